package org.fusionc.ir.plan;

import org.fusionc.ir.diagnostic.Spelling;

/** What stands to the right of {@code =} in a plan: a quantity, a bare word, or a quoted text. */
public sealed interface PlanValue permits Quantity, PlanValue.Word, PlanValue.Text {

  /** A bare word such as {@code q8}: a letter, then letters, digits, {@code _} or {@code .}. */
  record Word(String word) implements PlanValue {
    @Override
    public String toString() {
      return word;
    }
  }

  /** Free text; quotes and backslashes are escaped with a backslash when printed. */
  record Text(String text) implements PlanValue {
    @Override
    public String toString() {
      return Spelling.string(text);
    }
  }
}
