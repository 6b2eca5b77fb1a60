package org.fusionc.ir.diagnostic;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** Finds the known name that a mistyped one was probably meant to be. */
public final class Suggestion {
  private Suggestion() {}

  /** The candidate nearest to {@code word} by edit distance, if any is near enough to be meant. */
  public static Optional<String> nearest(String word, Collection<String> candidates) {
    return candidates.stream()
        .min(
            Comparator.<String>comparingInt(candidate -> distance(word, candidate))
                .thenComparing(Comparator.naturalOrder()))
        .filter(candidate -> distance(word, candidate) <= Math.max(2, candidate.length() / 2));
  }

  /** A remedy sentence: {@code did you mean 'x'?}, or {@code otherwise} when nothing is near. */
  public static String didYouMean(String word, Collection<String> candidates, String otherwise) {
    return nearest(word, candidates).map(name -> "did you mean '" + name + "'?").orElse(otherwise);
  }

  /** Edit distance in which exchanging two neighbours counts as one edit (Damerau, restricted). */
  static int distance(String a, String b) {
    var table = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      table[i][0] = i;
    }
    for (int j = 0; j <= b.length(); j++) {
      table[0][j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      for (int j = 1; j <= b.length(); j++) {
        int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        int best =
            Math.min(
                Math.min(table[i - 1][j] + 1, table[i][j - 1] + 1), table[i - 1][j - 1] + change);
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          best = Math.min(best, table[i - 2][j - 2] + 1);
        }
        table[i][j] = best;
      }
    }
    return table[a.length()][b.length()];
  }
}
