/**
 * The coordinator's side of a cluster. A {@link org.fusionc.runtime.cluster.RemotePipeline} is a
 * pipeline whose stages are peers: it notices when one is lost and goes on with another, and the
 * tokens that follow are those of an undisturbed run. A {@link
 * org.fusionc.runtime.cluster.BrokerClient} talks to the broker, and a {@link
 * org.fusionc.runtime.cluster.ClusterEngine} is an engine whose model runs at a broker's peers.
 */
@NullMarked
package org.fusionc.runtime.cluster;

import org.jspecify.annotations.NullMarked;
