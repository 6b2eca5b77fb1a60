package org.fusionc.runtime.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.proto.DriveEvent;
import org.fusionc.runtime.proto.DriveRequest;
import org.fusionc.runtime.proto.Open;
import org.fusionc.runtime.proto.Pong;
import org.fusionc.runtime.proto.StageServiceGrpc;
import org.junit.jupiter.api.Test;

class StageLinkTest {
  /** Talks without being asked, as long as somebody takes it. */
  private static final class Talker extends StageServiceGrpc.StageServiceImplBase {
    @Override
    public StreamObserver<DriveRequest> drive(StreamObserver<DriveEvent> events) {
      var call = (ServerCallStreamObserver<DriveEvent>) events;
      call.setOnReadyHandler(() -> {
        while (call.isReady()) {
          call.onNext(DriveEvent.newBuilder().setPong(Pong.getDefaultInstance()).build());
        }
      });
      return new StreamObserver<>() {
        @Override
        public void onNext(DriveRequest request) {}

        @Override
        public void onError(Throwable failure) {}

        @Override
        public void onCompleted() {}
      };
    }
  }

  @Test
  void aStageThatTalksWithoutEndWaitsUntilWhatItSaidIsHandled() throws Exception {
    BlockingQueue<Event> events = new LinkedBlockingQueue<>();
    var server =
        Transport.plain()
            .server(new Address("127.0.0.1", 0))
            .addService(new Talker())
            .build()
            .start();
    var holder = new Holder("talker", new Address("127.0.0.1", server.getPort()));
    var open = Open.newBuilder().setRun("a run").build();
    var link =
        new StageLink(
            Transport.plain(), holder, open, 0, Long.MAX_VALUE, event -> events.add(event));
    try {
      await(events, 128);
      for (int i = 0; i < 64; i++) {
        link.handled();
      }
      await(events, 128 + 64);
    } finally {
      link.cut();
      server.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    }
  }

  /** So many come, and no more. */
  private static void await(BlockingQueue<Event> events, int count) throws InterruptedException {
    for (int i = 0; i < 600 && events.size() < count; i++) {
      Thread.sleep(50);
    }
    Thread.sleep(200);
    assertThat(events).hasSize(count).allMatch(event -> event instanceof Event.Heard);
  }
}
