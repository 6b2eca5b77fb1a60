/**
 * A partition plan as syntax: which device runs which range of a function's body, and what crosses
 * between them. These records say nothing about whether a plan makes sense; the partitioner checks
 * that. Numbers keep the unit they were written in ({@link org.fusionc.ir.plan.Quantity}), so that
 * a plan prints as it was read.
 */
@NullMarked
package org.fusionc.ir.plan;

import org.jspecify.annotations.NullMarked;
