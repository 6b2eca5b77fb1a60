/** The fusionc command: one class per subcommand, no logic. */
@NullMarked
package org.fusionc.cli;

import org.jspecify.annotations.NullMarked;
