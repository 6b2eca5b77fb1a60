/** Devices, links, costs, and the search for the best cuts. */
@NullMarked
package org.fusionc.partitioner;

import org.jspecify.annotations.NullMarked;
