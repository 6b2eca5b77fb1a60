package org.fusionc.testsuite.format;

import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions;
import com.google.googlejavaformat.java.RemoveUnusedImports;
import com.google.googlejavaformat.java.StringWrapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.fusionc.testsuite.Repository;

/** The format of the sources: google-java-format's, imports and long strings included. */
public final class SourceFormat {
  private final Formatter formatter = new Formatter(JavaFormatterOptions.defaultOptions());

  public String format(String source) throws FormatterException {
    var imports =
        ImportOrderer.reorderImports(
            RemoveUnusedImports.removeUnusedImports(source), JavaFormatterOptions.Style.GOOGLE);
    return StringWrapper.wrap(formatter.formatSource(imports), formatter);
  }

  /** Formats every Java source of the project in place, and prints those that it changed. */
  public static void main(String[] arguments) throws IOException, FormatterException {
    var format = new SourceFormat();
    for (var file : Repository.javaSources(Path.of(arguments[0]))) {
      var source = Files.readString(file);
      var formatted = format.format(source);
      if (!formatted.equals(source)) {
        Files.writeString(file, formatted);
        System.out.println("formatted " + file);
      }
    }
  }
}
