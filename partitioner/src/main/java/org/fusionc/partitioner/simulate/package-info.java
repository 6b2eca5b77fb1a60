/** Runs a plan's timing, event by event, to check what the cost model predicts. */
@NullMarked
package org.fusionc.partitioner.simulate;

import org.jspecify.annotations.NullMarked;
