package org.fusionc.broker.state;

import org.jspecify.annotations.Nullable;

/**
 * A model that is deployed.
 *
 * @param manifest digest of the artifact's manifest
 * @param pages of the KV cache that each stage has
 * @param pageTokens positions per page
 * @param current what runs use
 * @param next what is being prepared to take its place
 * @param version grows with every change
 * @param changedAt when the plan was changed last, Unix milliseconds
 */
public record Deployment(
    String name,
    String manifest,
    Wish wish,
    int pages,
    int pageTokens,
    Layout current,
    @Nullable Layout next,
    long version,
    long changedAt) {
  public Deployment with(Layout nowCurrent, @Nullable Layout nowNext) {
    return new Deployment(
        name, manifest, wish, pages, pageTokens, nowCurrent, nowNext, version, changedAt);
  }

  Deployment changed() {
    return new Deployment(
        name, manifest, wish, pages, pageTokens, current, next, version + 1, changedAt);
  }

  /** With a plan, or serving peers, since then. */
  public Deployment switchedAt(long millis) {
    return new Deployment(name, manifest, wish, pages, pageTokens, current, next, version, millis);
  }
}
