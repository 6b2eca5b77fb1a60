/**
 * Serves a model over HTTP, as OpenAI's API describes it: {@link
 * org.fusionc.runtime.serve.ApiServer} listens, requests become {@link
 * org.fusionc.runtime.serve.Job}s, whose choices run as sessions of an {@link
 * org.fusionc.runtime.model.Engine} here or on a cluster.
 */
@NullMarked
package org.fusionc.runtime.serve;

import org.jspecify.annotations.NullMarked;
