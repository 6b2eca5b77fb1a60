package org.fusionc.testsuite.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.fusionc.cli.Main;
import org.fusionc.testsuite.Repository;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** The Kubernetes manifests: well-formed, agreeing with themselves and with the command line. */
class KubernetesTest {
  private static final Path FOLDER = Repository.root().resolve("deploy/kubernetes");

  private static List<Object> documents(String file) throws IOException {
    var all = new ArrayList<Object>();
    var load = new Load(LoadSettings.builder().setLabel(file).build());
    load.loadAllFromString(Files.readString(FOLDER.resolve(file))).forEach(all::add);
    return all;
  }

  private static Object ofKind(String file, String kind) throws IOException {
    return documents(file).stream()
        .filter(d -> kind.equals(at(d, "kind")))
        .findFirst()
        .orElseThrow(() -> new AssertionError(file + " has no " + kind));
  }

  private static Object at(Object value, String... path) {
    for (var name : path) {
      value = ((Map<?, ?>) value).get(name);
    }
    return value;
  }

  private static List<Object> list(Object value, String... path) {
    return new ArrayList<>((List<?>) at(value, path));
  }

  private static List<String> arguments(Object container) {
    return list(container, "args").stream().map(String::valueOf).toList();
  }

  @Test
  void theKustomizationNamesEveryFile() throws IOException {
    var resources = list(documents("kustomization.yaml").getFirst(), "resources");
    try (Stream<Path> files = Files.list(FOLDER)) {
      assertThat(files.map(f -> (Object) f.getFileName().toString()))
          .filteredOn(name -> !name.equals("kustomization.yaml"))
          .containsExactlyInAnyOrderElementsOf(resources);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"broker.yaml", "peer.yaml"})
  void argumentsAreThoseOfTheCommandLine(String file) throws IOException {
    var pod = at(ofKind(file, "StatefulSet"), "spec", "template", "spec");
    var arguments = arguments(list(pod, "containers").getFirst());
    var help = new StringWriter();
    var writer = new PrintWriter(help);
    assertThat(Main.run(writer, writer, arguments.getFirst(), "--help")).isZero();
    assertThat(arguments)
        .filteredOn(argument -> argument.startsWith("--"))
        .isNotEmpty()
        .allSatisfy(argument -> assertThat(help.toString()).contains(argument + "="));
  }

  @ParameterizedTest
  @ValueSource(strings = {"broker.yaml", "peer.yaml"})
  void selectorsPortsAndVolumesAgree(String file) throws IOException {
    var service = ofKind(file, "Service");
    var set = ofKind(file, "StatefulSet");
    var labels = at(set, "spec", "template", "metadata", "labels");
    assertThat(at(set, "spec", "selector", "matchLabels")).isEqualTo(labels);
    assertThat(at(service, "spec", "selector")).isEqualTo(labels);
    assertThat(at(set, "spec", "serviceName")).isEqualTo(at(service, "metadata", "name"));

    var pod = at(set, "spec", "template", "spec");
    var container = list(pod, "containers").getFirst();
    var arguments = arguments(container);
    var port = at(list(container, "ports").getFirst(), "containerPort");
    assertThat(arguments.get(arguments.indexOf("--listen") + 1)).isEqualTo("0.0.0.0:" + port);
    assertThat(at(list(service, "spec", "ports").getFirst(), "port")).isEqualTo(port);
    // What listens beyond its own pod must ask for certificates.
    assertThat(arguments).contains("--tls");

    var volumes = new ArrayList<Object>();
    list(pod, "volumes").forEach(v -> volumes.add(at(v, "name")));
    list(set, "spec", "volumeClaimTemplates").forEach(v -> volumes.add(at(v, "metadata", "name")));
    assertThat(list(container, "volumeMounts").stream().map(m -> at(m, "name")))
        .containsExactlyInAnyOrderElementsOf(volumes);
  }

  @Test
  void kustomizeBuildsThem() throws IOException, InterruptedException {
    Process process;
    try {
      process =
          new ProcessBuilder("kubectl", "kustomize", FOLDER.toString())
              .redirectErrorStream(true)
              .start();
    } catch (IOException missing) {
      Assumptions.abort("kubectl is not on this machine: the manifests are not built by it");
      return;
    }
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(output).isZero();
    assertThat(output).contains("kind: StatefulSet", "namespace: fusionc");
  }
}
