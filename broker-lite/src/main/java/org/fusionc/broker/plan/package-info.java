/** Making plans over the live cluster, and deciding when a new one is worth its cost. */
@NullMarked
package org.fusionc.broker.plan;

import org.jspecify.annotations.NullMarked;
