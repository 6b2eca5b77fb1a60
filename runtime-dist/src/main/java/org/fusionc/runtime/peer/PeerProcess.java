package org.fusionc.runtime.peer;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.fusionc.runtime.net.Transport;

/** A process that is a peer: from its start until it has left. */
public final class PeerProcess {
  private PeerProcess() {}

  /**
   * Runs a peer until it has left. SIGTERM and SIGINT make it drain; a second one ends it at once.
   *
   * @param lines for people
   * @param atOnce ends the process without waiting for anything
   * @return the exit code
   */
  public static int run(
      PeerOptions options, Transport transport, Consumer<String> lines, Runnable atOnce)
      throws InterruptedException {
    try (var peer = Peer.start(options, transport, lines)) {
      var signals = new AtomicInteger();
      onSignals(signal -> {
        if (signals.incrementAndGet() > 1) {
          peer.say("a second signal: leaving at once");
          atOnce.run();
        }
        peer.drain(signal);
      });
      peer.awaitLeaving();
      peer.say("left");
    }
    return 0;
  }

  /**
   * A shutdown hook would not do: the exit code would tell of the signal, and a second signal would
   * be ignored. The JDK's signals are reached by reflection, since javac warns of the class.
   */
  private static void onSignals(Consumer<String> action) {
    try {
      var signal = Class.forName("sun.misc.Signal");
      var handler = Class.forName("sun.misc.SignalHandler");
      InvocationHandler handle =
          (proxy, method, arguments) ->
              switch (method.getName()) {
                case "handle" -> {
                  action.accept(String.valueOf(arguments[0]));
                  yield null;
                }
                case "equals" ->
                    System.identityHashCode(proxy) == System.identityHashCode(arguments[0]);
                case "hashCode" -> System.identityHashCode(proxy);
                default -> "signal handler";
              };
      var proxy =
          Proxy.newProxyInstance(handler.getClassLoader(), new Class<?>[] {handler}, handle);
      for (var name : List.of("TERM", "INT")) {
        signal
            .getMethod("handle", signal, handler)
            .invoke(null, signal.getConstructor(String.class).newInstance(name), proxy);
      }
    } catch (ReflectiveOperationException | IllegalArgumentException elsewhere) {
      Peer.LOG.warn("signals end this peer at once: {}", elsewhere.toString());
    }
  }
}
