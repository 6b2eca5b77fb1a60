/** What the broker shows to browsers. */
@NullMarked
package org.fusionc.broker.page;

import org.jspecify.annotations.NullMarked;
