/**
 * The broker: who is here, what each peer can do, which plan is live, who stands by. It is never in
 * the activations' path: running sessions go on while it is down.
 */
@NullMarked
package org.fusionc.broker;

import org.jspecify.annotations.NullMarked;
