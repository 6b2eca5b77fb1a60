package org.fusionc.testsuite.hostile;

import java.io.IOException;
import java.nio.file.Path;
import org.fusionc.broker.Broker;
import org.fusionc.ir.DType;
import org.fusionc.ir.Module;
import org.fusionc.ir.pass.Phase;
import org.fusionc.ir.plan.Plan;
import org.fusionc.partitioner.InProcess;
import org.fusionc.runtime.blob.BlobDirectory;
import org.fusionc.runtime.blob.BlobServer;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Tokens;
import org.fusionc.runtime.net.Transport;
import org.fusionc.runtime.peer.EchoServer;
import org.fusionc.runtime.stage.Segment;
import org.fusionc.runtime.stage.StageHost;
import org.fusionc.runtime.stage.StageProgram;
import org.fusionc.runtime.stage.StageServer;
import org.fusionc.testsuite.Repository;
import org.jspecify.annotations.Nullable;

/**
 * The servers that are attacked, in a process of their own with little memory: a broker, and what a
 * peer serves. Arguments: a directory for data, a certificate directory or -, a token file or -.
 */
final class Victim {
  static final String DEPLOYMENT = "victim";
  static final byte[] PLAN_DIGEST = new byte[32];
  static final int STAGES = 2;
  static final int PAGES = 256;
  static final int PAGE_TOKENS = 16;
  private static final long LARGEST_BLOB = 1 << 20;
  private static final Address ANY = new Address("127.0.0.1", 0);

  private Victim() {}

  /** Runs until its input ends. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    Path data = Path.of(arguments[0]);
    @Nullable Path tls = arguments[1].equals("-") ? null : Path.of(arguments[1]);
    @Nullable Path tokens = arguments[2].equals("-") ? null : Path.of(arguments[2]);
    var transport = Transport.of(new Transport.Options(tls, null));
    var broker =
        Broker.start(new Broker.Options(ANY, data.resolve("broker"), null, tokens, transport));
    var source =
        ModelSource.open(Repository.root().resolve("examples/shakespeare"), DType.Scalar.F32);
    var host = new StageHost(transport, StageHost.Options.defaults());
    var module = compiled(source);
    var plan = InProcess.stages(module, STAGES);
    for (int stage = 0; stage < STAGES; stage++) {
      host.add(segment(source, plan, stage));
    }
    var server =
        transport
            .server(ANY, tokens == null ? null : Tokens.of(tokens))
            .addService(new StageServer(host))
            .addService(BlobServer.readOnly(BlobDirectory.open(data.resolve("peer"), LARGEST_BLOB)))
            .addService(new EchoServer())
            .build()
            .start();
    var input =
        StageProgram.compile(source, plan, 0, Compiler.backend("cpu")).inputs().getFirst().name();
    System.out.println("victim: " + broker.address().port() + " " + server.getPort() + " " + input);
    while (System.in.read() >= 0) {
      // Whoever started this closes its end when it ends.
    }
    server.shutdownNow().awaitTermination();
    host.close();
    broker.close();
  }

  private static Module compiled(ModelSource source) {
    var options = Compiler.Options.whole(Compiler.backend("cpu"), Phase.QUANTIZED);
    return Compiler.compile(source.module(), source.phase(), options).module();
  }

  private static Segment segment(ModelSource source, Plan plan, int stage) {
    var backend = Compiler.backend("cpu");
    return Segment.compile(
        source, plan, DEPLOYMENT, PLAN_DIGEST, stage, backend, 1, PAGES, PAGE_TOKENS);
  }
}
