package org.fusionc.runtime.stage;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.fusionc.ir.DType;
import org.fusionc.ir.backend.Backend;
import org.fusionc.ir.plan.Attributes;
import org.fusionc.ir.plan.Edge;
import org.fusionc.ir.plan.Origin;
import org.fusionc.ir.plan.Plan;
import org.fusionc.ir.plan.PlanValue;
import org.fusionc.partitioner.InProcess;
import org.fusionc.runtime.model.Compiler;
import org.fusionc.runtime.model.ModelSource;
import org.fusionc.runtime.net.Address;
import org.fusionc.runtime.net.Transport;

/** The example model cut into stages, each with a server of its own on loopback. */
final class TestStages implements AutoCloseable {
  static final String DEPLOYMENT = "shakespeare";
  static final int PAGE_TOKENS = 16;

  /** A server, its host and where it listens. */
  record Peer(StageHost host, StageServer service, Server server, Address address)
      implements AutoCloseable {
    @Override
    public void close() {
      server.shutdownNow();
      host.close();
    }
  }

  final ModelSource source;
  final Plan plan;
  final byte[] digest;
  final int pages;
  final String input;
  final List<Peer> peers = new ArrayList<>();
  private final List<Peer> all = new ArrayList<>();
  private final List<ManagedChannel> channels = new ArrayList<>();
  private final StageHost.Options options;
  private final Backend backend;
  private final RunMemory memory;

  TestStages(int stages, String encoding, int pages, StageHost.Options options) {
    this(stages, encoding, pages, options, Compiler.backend("cpu"));
  }

  TestStages(int stages, String encoding, int pages, StageHost.Options options, Backend backend) {
    this(stages, encoding, pages, options, backend, RunMemory.UNBOUNDED);
  }

  TestStages(
      int stages,
      String encoding,
      int pages,
      StageHost.Options options,
      Backend backend,
      RunMemory memory) {
    this.backend = backend;
    this.memory = memory;
    source = ModelSource.open(example(), DType.Scalar.F32);
    plan = plan(source, stages, encoding);
    digest = new byte[32];
    digest[0] = (byte) stages;
    digest[1] = (byte) encoding.charAt(0);
    this.pages = pages;
    this.options = options;
    input =
        StageProgram.compile(source, plan, 0, Compiler.backend("cpu")).inputs().getFirst().name();
    for (int stage = 0; stage < stages; stage++) {
      peers.add(start(stage));
    }
  }

  static Path example() {
    for (var at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      if (Files.isDirectory(at.resolve("examples/shakespeare"))) {
        return at.resolve("examples/shakespeare");
      }
    }
    throw new IllegalStateException("examples/shakespeare is not above the working directory");
  }

  static Plan plan(ModelSource source, int stages, String encoding) {
    var options =
        Compiler.Options.whole(Compiler.backend("cpu"), org.fusionc.ir.pass.Phase.QUANTIZED);
    var module = Compiler.compile(source.module(), source.phase(), options).module();
    var plan = InProcess.stages(module, stages);
    var edges = new ArrayList<Edge>();
    for (int i = 0; i + 1 < stages; i++) {
      edges.add(
          new Edge(
              i,
              i + 1,
              List.of(plan.stages().get(i).through().orElseThrow()),
              Attributes.NONE.with("encode", new PlanValue.Word(encoding)),
              Origin.NONE));
    }
    return plan.withEdges(edges);
  }

  /** Starts another server for a stage. */
  Peer start(int stage) {
    var host = new StageHost(Transport.plain(), options, memory);
    host.add(
        Segment.compile(source, plan, DEPLOYMENT, digest, stage, backend, 2, pages, PAGE_TOKENS));
    var service = new StageServer(host);
    try {
      var server =
          Transport.plain().server(new Address("127.0.0.1", 0)).addService(service).build().start();
      var peer = new Peer(host, service, server, new Address("127.0.0.1", server.getPort()));
      all.add(peer);
      return peer;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A channel that is shut down at the end. */
  ManagedChannel channel(Peer peer) {
    var channel = Transport.plain().channel(peer.address());
    channels.add(channel);
    return channel;
  }

  ByteString planDigest() {
    return ByteString.copyFrom(digest);
  }

  @Override
  public void close() {
    channels.forEach(ManagedChannel::shutdownNow);
    all.forEach(Peer::close);
    source.close();
  }
}
