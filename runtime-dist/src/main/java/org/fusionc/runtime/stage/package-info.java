/**
 * The stages that a peer runs for others: compiled segments with their pages, the runs that use
 * them, the rows that they have sent on, and the service that offers all this.
 */
@NullMarked
package org.fusionc.runtime.stage;

import org.jspecify.annotations.NullMarked;
