package org.fusionc.runtime.exec;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class MailboxTest {
  @Test
  void whoBringsAnEventHandlesIt() {
    var threads = new ArrayList<Thread>();
    var mailbox = new Mailbox<Integer>(event -> threads.add(Thread.currentThread()), () -> {});
    mailbox.post(1);
    assertThat(threads).containsExactly(Thread.currentThread());
  }

  @Test
  void anEventFromWithinIsHandledAfterTheOneBeingHandled() {
    var order = new ArrayList<String>();
    var holder = new ArrayList<Mailbox<Integer>>();
    var mailbox =
        new Mailbox<Integer>(
            event -> {
              order.add("begin " + event);
              if (event == 1) {
                holder.getFirst().post(2);
              }
              order.add("end " + event);
            },
            () -> order.add("caught up"));
    holder.add(mailbox);
    mailbox.post(1);
    assertThat(order).containsExactly("begin 1", "end 1", "begin 2", "end 2", "caught up");
  }

  @Test
  void whoComesWhileAnotherIsAtItDoesNotWait() throws InterruptedException {
    var inside = new CountDownLatch(1);
    var release = new CountDownLatch(1);
    var handled = new ArrayList<Integer>();
    var mailbox =
        new Mailbox<Integer>(
            event -> {
              handled.add(event);
              inside.countDown();
              uninterruptibly(release);
            },
            () -> {});
    var first = Thread.ofPlatform().start(() -> mailbox.post(1));
    inside.await();
    mailbox.post(2);
    assertThat(handled).containsExactly(1);
    release.countDown();
    first.join();
    assertThat(handled).containsExactly(1, 2);
  }

  @Test
  void nothingIsLostAndNothingAtOnceHoweverManyBring() throws InterruptedException {
    int threads = 4;
    int each = 50_000;
    var last = new int[threads];
    var at = new AtomicInteger();
    var wrong = new AtomicInteger();
    var handled = new int[1];
    var mailbox =
        new Mailbox<int[]>(
            event -> {
              if (at.incrementAndGet() != 1 || event[1] != last[event[0]] + 1) {
                wrong.incrementAndGet();
              }
              last[event[0]] = event[1];
              handled[0]++;
              at.decrementAndGet();
            },
            () -> {});
    var bringing = new ArrayList<Thread>();
    for (int t = 0; t < threads; t++) {
      int thread = t;
      bringing.add(
          Thread.ofPlatform()
              .start(() -> {
                for (int i = 1; i <= each; i++) {
                  mailbox.post(new int[] {thread, i});
                }
              }));
    }
    for (var thread : bringing) {
      thread.join();
    }
    assertThat(wrong).hasValue(0);
    assertThat(handled[0]).isEqualTo(threads * each);
    assertThat(List.of(last[0], last[1], last[2], last[3])).containsOnly(each);
  }

  private static void uninterruptibly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
