/**
 * Clusters of real processes on loopback, which are killed, stopped, cut off and restarted while
 * they generate.
 */
package org.fusionc.testsuite.chaos;
