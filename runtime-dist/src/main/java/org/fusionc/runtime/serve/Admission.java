package org.fusionc.runtime.serve;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Who may run now, and who waits: first come, first served, with bounds on both. */
final class Admission {
  /** A place among those that run, now or later. To be given back once, whatever happens. */
  final class Ticket implements AutoCloseable {
    private final CompletableFuture<Boolean> admitted = new CompletableFuture<>();
    private boolean closed;

    /** Waits for the turn; false if the ticket was given back meanwhile. */
    boolean await() {
      return admitted.join();
    }

    /** Gives up waiting; one that has been admitted goes on until it is closed. */
    void leaveQueue() {
      leave(this);
    }

    @Override
    public void close() {
      giveBack(this);
    }
  }

  private final int slots;
  private final int longestQueue;
  private final Deque<Ticket> waiting = new ArrayDeque<>();
  private int running;

  Admission(int slots, int longestQueue) {
    this.slots = slots;
    this.longestQueue = longestQueue;
  }

  /**
   * Tickets for all sessions of one request, or none.
   *
   * @throws ApiException if too many wait already, or it is more than can ever wait
   */
  synchronized List<Ticket> take(int count) {
    if (count > slots + longestQueue) {
      throw ApiException.invalid(
          "n",
          "The request asks for %d texts, but the server takes %d at once at most."
              .formatted(count, slots + longestQueue));
    }
    int free = waiting.isEmpty() ? slots - running : 0;
    if (waiting.size() + count - free > longestQueue && count > free) {
      throw ApiException.overloaded(waiting.size());
    }
    var tickets = new ArrayList<Ticket>();
    for (int i = 0; i < count; i++) {
      var ticket = new Ticket();
      tickets.add(ticket);
      waiting.add(ticket);
    }
    admit();
    return tickets;
  }

  private synchronized void giveBack(Ticket ticket) {
    if (ticket.closed) {
      return;
    }
    ticket.closed = true;
    if (waiting.remove(ticket)) {
      ticket.admitted.complete(false);
    } else {
      running--;
    }
    admit();
  }

  private synchronized void leave(Ticket ticket) {
    if (waiting.contains(ticket)) {
      giveBack(ticket);
    }
  }

  private void admit() {
    while (running < slots && !waiting.isEmpty()) {
      running++;
      waiting.removeFirst().admitted.complete(true);
    }
  }

  synchronized int waiting() {
    return waiting.size();
  }

  synchronized int running() {
    return running;
  }
}
