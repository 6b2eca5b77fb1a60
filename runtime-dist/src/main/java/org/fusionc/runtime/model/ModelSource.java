package org.fusionc.runtime.model;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.fusionc.ir.DType;
import org.fusionc.ir.Module;
import org.fusionc.ir.Module.WeightDef;
import org.fusionc.ir.backend.WeightLoader;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.Location;
import org.fusionc.ir.pass.Phase;
import org.fusionc.runtime.artifact.Artifact;
import org.fusionc.runtime.sampling.GenerationConfig;
import org.fusionc.runtime.text.ChatTemplate;
import org.fusionc.runtime.text.Tokenizer;
import org.fusionc.runtime.text.TokenizerConfig;
import org.jspecify.annotations.Nullable;

/** Where a model comes from: a Hugging Face directory, or an artifact that was compiled before. */
public sealed interface ModelSource extends AutoCloseable permits DirectorySource, ArtifactSource {

  /** Files of a model that are text and travel with it. */
  Set<String> COMPANIONS =
      Set.of(
          "config.json",
          GenerationConfig.FILE,
          Tokenizer.FILE,
          TokenizerConfig.FILE,
          TokenizerConfig.TEMPLATE_FILE);

  /**
   * Opens a directory with a config.json, or an artifact.
   *
   * @param cacheDtype of the KV cache; null for f32 when importing, and whatever an artifact has
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it is neither, or invalid, or an
   *     artifact whose cache is of another dtype
   */
  static ModelSource open(Path path, DType.@Nullable Scalar cacheDtype) {
    if (!Files.exists(path)) {
      throw Diagnostic.invalid(
              Location.named(path.toString()),
              "there is no such model",
              "give a directory that holds a config.json, or an artifact")
          .exception();
    }
    return Artifact.isArtifact(path)
        ? ArtifactSource.open(path, cacheDtype)
        : DirectorySource.open(path, cacheDtype == null ? DType.Scalar.F32 : cacheDtype);
  }

  /** What to call it in messages. */
  String name();

  /** The model's module; {@link #phase} says how far it has been compiled. */
  Module module();

  Phase phase();

  /**
   * Finds the weights' bytes.
   *
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if there are none
   */
  WeightLoader weights();

  /**
   * Finds the bytes of these weights alone; others may be missing.
   *
   * @param symbols of weights that are stored
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if one of them is missing or damaged
   */
  WeightLoader weights(Collection<String> symbols);

  /** Why a weight of a module from elsewhere is not to be had here; empty if it is. */
  Optional<String> misfit(WeightDef weight);

  /** The text of a companion file; empty if the model has none of that name. */
  Optional<String> companion(String file);

  /** All companions, by file name. */
  default Map<String, String> companions() {
    var found = new LinkedHashMap<String, String>();
    for (var file : COMPANIONS.stream().sorted().toList()) {
      companion(file).ifPresent(text -> found.put(file, text));
    }
    return found;
  }

  /** The tokenizer; empty if the model has none, so that prompts must be given as ids. */
  default Optional<Tokenizer> tokenizer() {
    return companion(Tokenizer.FILE)
        .map(text -> Tokenizer.parse(name() + "/" + Tokenizer.FILE, text));
  }

  /**
   * The tokenizer, of a model that must have one.
   *
   * @param purpose what it is needed for, to end the message: "read a text"
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if the model has none
   */
  default Tokenizer requireTokenizer(String purpose) {
    return tokenizer()
        .orElseThrow(() ->
            Diagnostic.invalid(
                    Location.named(name()),
                    "the model has no " + Tokenizer.FILE + ", so it cannot " + purpose,
                    "copy the model's " + Tokenizer.FILE + " beside its config.json")
                .exception());
  }

  default GenerationConfig generation() {
    return companion(GenerationConfig.FILE)
        .map(text -> GenerationConfig.parse(name() + "/" + GenerationConfig.FILE, text))
        .orElse(GenerationConfig.none());
  }

  default Optional<ChatTemplate> chatTemplate() {
    return companion(TokenizerConfig.FILE)
        .flatMap(text -> {
          var config = TokenizerConfig.parse(name() + "/" + TokenizerConfig.FILE, text);
          var whole =
              companion(TokenizerConfig.TEMPLATE_FILE).map(config::withTemplate).orElse(config);
          return ChatTemplate.of(name(), whole);
        });
  }

  /** Ids that end a text, by generation_config.json or else by config.json. */
  Set<Integer> endOfText();

  /** Positions that a sequence can have. */
  default int context() {
    var bounds = module().dims().get("T");
    if (bounds == null) {
      throw Diagnostic.invalid(
              Location.named(name()), "the module has no dimension T", "it is no decoder")
          .exception();
    }
    return Math.toIntExact(bounds.max());
  }

  @Override
  void close();
}
