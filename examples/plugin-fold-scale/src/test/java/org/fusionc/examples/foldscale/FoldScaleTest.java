package org.fusionc.examples.foldscale;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import org.fusionc.ir.Graph;
import org.fusionc.ir.OpRegistry;
import org.fusionc.ir.pass.Finding;
import org.fusionc.ir.pass.PassManager;
import org.fusionc.ir.pass.PassRegistry;
import org.fusionc.ir.pass.Pipeline;
import org.fusionc.ir.text.FirParser;
import org.fusionc.ir.text.FirPrinter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** linear(x, w) · c → linear(x, w · c). */
class FoldScaleTest {
  private static final String SCALED =
      """
      fir 1.0
      dim T in [1, 64]
      weight @w : bf16[3, 4] = file("m", "w")
      func @f(%x: f32[T, 4]) -> f32[T, 3] {
        %p = linear %x, @w : f32[T, 3]
        %c = constant {value = 0.125} : f32[]
        %y = mul %p, %c : f32[T, 3]
        return %y
      }
      """;

  private static PassManager.Outcome run(String text) {
    var module = FirParser.parse(text, "test.fir", new Graph(), OpRegistry.builtIn());
    return new PassManager().run(module, Pipeline.parse("fold-scale", PassRegistry.load()));
  }

  private static List<String> reasons(String text) {
    return run(text).findings().stream()
        .filter(finding -> finding.kind() == Finding.Kind.NEARLY)
        .map(Finding::note)
        .toList();
  }

  @Test
  void fires() {
    assertThat(FirPrinter.print(run(SCALED).module()))
        .contains("mul @w, ")
        .contains("%y = linear %x, ")
        .doesNotContain("%p");
  }

  @Test
  void notWhereTheScaleWouldRoundTheWeight() {
    assertThat(reasons(SCALED.replace("0.125", "0.1")))
        .containsExactly("a scale of 0.1 would round the weight, which is bf16");
  }

  @Test
  void notWhereTheProductIsUsedUnscaled() {
    var text = SCALED.replace("-> f32[T, 3]", "-> (f32[T, 3], f32[T, 3])");
    assertThat(reasons(text.replace("return %y", "return %y, %p")))
        .containsExactly("%p is used without the scale too");
  }

  @Test
  void notWithABias() {
    var text = SCALED.replace("func", "weight @b : f32[3] = file(\"m\", \"b\")\nfunc");
    assertThat(reasons(text.replace("linear %x, @w", "linear %x, @w, @b")))
        .containsExactly("the linear has a bias, which the scale would miss");
  }

  /** As users run it: the jar is not on the class path, and fusionc loads it. */
  @Test
  void runsFromItsJar(@TempDir Path directory) throws Exception {
    var classes =
        Path.of(FoldScale.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    var jar = directory.resolve("fold-scale.jar");
    pack(classes, jar);
    var file = Files.writeString(directory.resolve("scaled.fir"), SCALED);
    var classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !Path.of(entry).equals(classes))
            .collect(Collectors.joining(File.pathSeparator));
    var process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                classPath,
                RunPipeline.class.getName(),
                jar.toString(),
                "fold-scale,split-load-time,dce",
                file.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).isZero();
    assertThat(output)
        .contains("weight @w.mul : bf16[3, 4] = {")
        .contains("%y = linear %x, @w.mul : f32[T, 3]");
  }

  private static void pack(Path classes, Path jar) throws Exception {
    try (var out = new JarOutputStream(Files.newOutputStream(jar));
        var files = Files.walk(classes)) {
      for (var file : files.filter(Files::isRegularFile).toList()) {
        out.putNextEntry(new JarEntry(classes.relativize(file).toString()));
        Files.copy(file, out);
        out.closeEntry();
      }
    }
  }
}
