/**
 * Runs over several peers in this process, behind proxies that can cut, freeze and kill their
 * connections: what comes out is what one process alone would say.
 */
package org.fusionc.testsuite.cluster;
