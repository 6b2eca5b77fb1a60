/**
 * What crosses from stage to stage: how the rows of tensors are encoded, frames as messages, and
 * the checks that a message must pass before anything of it is used.
 */
@NullMarked
package org.fusionc.runtime.wire;

import org.jspecify.annotations.NullMarked;
