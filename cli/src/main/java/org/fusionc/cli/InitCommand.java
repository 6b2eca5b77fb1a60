package org.fusionc.cli;

import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.fusionc.frontend.safetensors.ModelConfig;
import org.fusionc.frontend.safetensors.RandomCheckpoint;
import org.fusionc.frontend.safetensors.architecture.ModelImporter;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code fusionc init}. */
@Command(
    name = "init",
    mixinStandardHelpOptions = true,
    description =
        "Makes a model directory with random weights of the shape that a config.json tells.")
final class InitCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--config",
      required = true,
      paramLabel = "config.json",
      description = "the shape")
  private Path config = Path.of("");

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "the same seed gives the same bytes (default ${DEFAULT-VALUE})",
      defaultValue = "0")
  private long seed;

  @Option(
      names = "--dtype",
      paramLabel = "DTYPE",
      description = "f32, f16 or bf16 (default ${DEFAULT-VALUE})",
      defaultValue = "bf16")
  private String dtype = "bf16";

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "DIR",
      description = "the directory to make in one that is there; it must not hold anything yet")
  private Path output = Path.of("");

  @Override
  public Integer call() {
    var shape = ModelConfig.read(config);
    var tensors = new ModelImporter().tensors(shape);
    var checkpoint = new RandomCheckpoint(shape, tensors, seed, RandomCheckpoint.dtype(dtype));
    var commandLine = Objects.requireNonNull(spec).commandLine();
    checkpoint.write(output, new PercentLine(commandLine.getErr())::show);
    commandLine
        .getOut()
        .printf("%s: %d tensors, %.2f GB%n", output, tensors.size(), checkpoint.totalBytes() / 1e9);
    commandLine.getOut().flush();
    return 0;
  }
}
