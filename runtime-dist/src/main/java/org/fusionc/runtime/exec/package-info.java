/**
 * Running a compiled model: a {@link org.fusionc.runtime.exec.Stage} is handed frames and gives
 * frames, a {@link org.fusionc.runtime.exec.Pipeline} keeps several stages busy, and the {@link
 * org.fusionc.runtime.exec.Coordinator} admits sessions, batches them continuously, samples and
 * hands out tokens. Nothing here knows whether a stage is in this process or on another machine.
 */
@NullMarked
package org.fusionc.runtime.exec;

import org.jspecify.annotations.NullMarked;
