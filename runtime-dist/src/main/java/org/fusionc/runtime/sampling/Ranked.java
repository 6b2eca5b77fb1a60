package org.fusionc.runtime.sampling;

/** Tokens from the largest score down, the lower id first among equals. */
sealed interface Ranked permits Ranking, Logits.Best {
  /** How many there are. */
  int count();

  /** The id at {@code rank}, from 0; less than the count. */
  int id(int rank);

  /** The score at {@code rank}. */
  float score(int rank);
}
