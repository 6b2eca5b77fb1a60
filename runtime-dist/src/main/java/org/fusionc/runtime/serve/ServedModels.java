package org.fusionc.runtime.serve;

import java.util.List;
import java.util.Optional;

/** The models that a server offers; they may come and go. */
public interface ServedModels {
  /**
   * What clients are told of a model.
   *
   * @param context positions that a text can have, prompt included
   * @param chat whether it is made for chat
   */
  record Description(String name, int context, boolean chat) {}

  /** A model in use: it stays open until this is closed, once. */
  interface Loan extends AutoCloseable {
    HostedModel model();

    @Override
    void close();
  }

  /** What is there now. */
  List<Description> list();

  /**
   * A model for one request; it may have to be opened first, which may take seconds.
   *
   * @return empty if there is none of that name
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it cannot be opened
   */
  Optional<Loan> borrow(String name);

  /** Why texts would wait or fail now, for whoever sends requests elsewhere then; empty if not. */
  default Optional<String> unready() {
    return Optional.empty();
  }

  /** One model that is always there. */
  static ServedModels one(HostedModel hosted) {
    var model = hosted.model();
    var loan =
        new Loan() {
          @Override
          public HostedModel model() {
            return hosted;
          }

          @Override
          public void close() {}
        };
    return new ServedModels() {
      @Override
      public List<Description> list() {
        return List.of(
            new Description(model.name(), model.context(), model.chatTemplate().isPresent()));
      }

      @Override
      public Optional<Loan> borrow(String name) {
        return name.equals(model.name()) ? Optional.of(loan) : Optional.empty();
      }

      @Override
      public Optional<String> unready() {
        return model.engine().unready();
      }
    };
  }
}
