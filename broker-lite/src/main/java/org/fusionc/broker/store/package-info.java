/**
 * Where the broker keeps what must not be lost: keys and values with revisions, transactions,
 * watches, leases and elections, in a file of this machine or in etcd.
 */
@NullMarked
package org.fusionc.broker.store;

import org.jspecify.annotations.NullMarked;
