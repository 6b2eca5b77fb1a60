package org.fusionc.grammar;

import com.palantir.javapoet.ClassName;
import com.palantir.javapoet.CodeBlock;
import com.palantir.javapoet.FieldSpec;
import com.palantir.javapoet.JavaFile;
import com.palantir.javapoet.MethodSpec;
import com.palantir.javapoet.ParameterSpec;
import com.palantir.javapoet.ParameterizedTypeName;
import com.palantir.javapoet.TypeName;
import com.palantir.javapoet.TypeSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import javax.lang.model.element.Modifier;
import org.antlr.v4.runtime.BaseErrorListener;
import org.antlr.v4.runtime.CharStreams;
import org.antlr.v4.runtime.CommonTokenStream;
import org.antlr.v4.runtime.RecognitionException;
import org.antlr.v4.runtime.Recognizer;
import org.jspecify.annotations.Nullable;

/**
 * Turns the op table into Java: one record per op with its schema, one builder method per op, the
 * list of all schemas, and the reference page.
 *
 * <p>Arguments: the folder of {@code *.ops} files, the folder for Java sources, the folder for
 * docs.
 */
public final class OpGenerator {
  private static final String IR = "org.fusionc.ir";
  private static final String OPS = IR + ".op";
  private static final ClassName VALUE = ClassName.get(IR, "Value");
  private static final ClassName OP = ClassName.get(IR, "Op");
  private static final ClassName TYPE = ClassName.get(IR, "Type");
  private static final ClassName DTYPE = ClassName.get(IR, "DType");
  private static final ClassName LITERAL = ClassName.get(IR, "Literal");
  private static final ClassName FUNCTION = ClassName.get(IR, "Function");
  private static final ClassName SCHEMA = ClassName.get(IR, "OpSchema");
  private static final ClassName PATTERN = ClassName.get(IR, "TypePattern");
  private static final ClassName NULLABLE = ClassName.get(Nullable.class);
  private static final ClassName LIST = ClassName.get(List.class);

  private OpGenerator() {}

  public static void main(String[] arguments) throws IOException {
    var entries = new ArrayList<OpEntry>();
    try (var files = Files.list(Path.of(arguments[0]))) {
      for (var file : files.filter(f -> f.toString().endsWith(".ops")).sorted().toList()) {
        entries.addAll(read(file));
      }
    }
    var names = new HashSet<String>();
    for (var entry : entries) {
      if (!names.add(entry.name)) {
        throw new IllegalArgumentException("op '" + entry.name + "' stands twice in the table");
      }
    }
    var sources = Path.of(arguments[1]);
    for (var entry : entries) {
      JavaFile.builder(OPS, record(entry)).skipJavaLangImports(true).build().writeTo(sources);
    }
    JavaFile.builder(OPS, builders(entries)).skipJavaLangImports(true).build().writeTo(sources);
    JavaFile.builder(OPS, list(entries)).skipJavaLangImports(true).build().writeTo(sources);
    var docs = Path.of(arguments[2]);
    Files.createDirectories(docs);
    Files.writeString(docs.resolve("fir-reference.md"), OpReference.page(entries));
  }

  static List<OpEntry> read(Path file) throws IOException {
    var parser =
        new OpTableParser(new CommonTokenStream(new OpTableLexer(CharStreams.fromPath(file))));
    parser.removeErrorListeners();
    parser.addErrorListener(
        new BaseErrorListener() {
          @Override
          public void syntaxError(
              Recognizer<?, ?> recognizer,
              Object symbol,
              int line,
              int column,
              String message,
              RecognitionException cause) {
            throw new IllegalArgumentException(
                file + ":" + line + ":" + (column + 1) + ": " + message);
          }
        });
    return parser.table().entry().stream().map(OpEntry::read).toList();
  }

  private static TypeSpec record(OpEntry entry) {
    var self = ClassName.get(OPS, entry.className());
    var components = MethodSpec.constructorBuilder();
    var operandNames = new ArrayList<CodeBlock>();
    @Nullable String variadic = null;
    for (var operand : entry.operands) {
      var name = OpEntry.camel(operand.name());
      switch (operand.arity()) {
        case "..." -> {
          components.addParameter(ParameterizedTypeName.get(LIST, VALUE), name);
          variadic = name;
        }
        case "?" -> {
          components.addParameter(ParameterSpec.builder(nullable(VALUE), name).build());
          operandNames.add(CodeBlock.of("$N", name));
        }
        default -> {
          components.addParameter(VALUE, name);
          operandNames.add(CodeBlock.of("$N", name));
        }
      }
    }
    var attributeNames = new ArrayList<CodeBlock>();
    for (var attribute : entry.attributes) {
      components.addParameter(javaType(attribute.type()), OpEntry.camel(attribute.name()));
      attributeNames.add(CodeBlock.of("$N", OpEntry.camel(attribute.name())));
    }
    components.addParameter(TYPE, "type");

    var operands = ParameterizedTypeName.get(LIST, nullable(VALUE));
    var record =
        TypeSpec.recordBuilder(entry.className())
            .addModifiers(Modifier.PUBLIC)
            .addSuperinterface(OP)
            .recordConstructor(components.build())
            .addJavadoc("$L", javadoc(entry));
    for (var trait : entry.traits) {
      record.addSuperinterface(ClassName.get(IR, "Trait", trait));
    }
    record.addField(
        FieldSpec.builder(SCHEMA, "SCHEMA", Modifier.PUBLIC, Modifier.STATIC, Modifier.FINAL)
            .addJavadoc("The op's entry in the table.\n")
            .initializer(schema(entry, self))
            .build());

    var create =
        MethodSpec.methodBuilder("create")
            .addModifiers(Modifier.PRIVATE, Modifier.STATIC)
            .addParameter(operands, "operands")
            .addParameter(ParameterizedTypeName.get(LIST, ClassName.OBJECT), "attributes")
            .addParameter(TYPE, "type")
            .returns(OP);
    var arguments = new ArrayList<CodeBlock>();
    for (int i = 0; i < entry.operands.size(); i++) {
      arguments.add(
          switch (entry.operands.get(i).arity()) {
            case "..." -> CodeBlock.of("$T.present(operands, $L)", SCHEMA, i);
            case "?" -> CodeBlock.of("operands.get($L)", i);
            default -> CodeBlock.of("$T.required(operands, $L)", SCHEMA, i);
          });
    }
    for (int i = 0; i < entry.attributes.size(); i++) {
      arguments.add(cast(entry.attributes.get(i).type(), CodeBlock.of("attributes.get($L)", i)));
    }
    arguments.add(CodeBlock.of("type"));
    create.addStatement("return new $T($L)", self, CodeBlock.join(arguments, ", "));
    if (entry.attributes.stream().anyMatch(a -> a.type().endsWith("s"))) {
      create.addAnnotation(
          com.palantir.javapoet.AnnotationSpec.builder(SuppressWarnings.class)
              .addMember("value", "$S", "unchecked")
              .build());
    }
    record.addMethod(create.build());

    record.addMethod(override("schema").returns(SCHEMA).addStatement("return SCHEMA").build());
    record.addMethod(
        override("operands")
            .returns(operands)
            .addStatement(
                variadic == null
                    ? CodeBlock.of("return $T.list($L)", SCHEMA, CodeBlock.join(operandNames, ", "))
                    : CodeBlock.of(
                        "return $T.listAnd($N$L$L)",
                        SCHEMA,
                        variadic,
                        operandNames.isEmpty() ? "" : ", ",
                        CodeBlock.join(operandNames, ", ")))
            .build());
    record.addMethod(
        override("attributes")
            .returns(ParameterizedTypeName.get(LIST, ClassName.OBJECT))
            .addStatement("return $T.of($L)", LIST, CodeBlock.join(attributeNames, ", "))
            .build());
    record.addMethod(
        override("equals")
            .addParameter(ParameterSpec.builder(nullable(ClassName.OBJECT), "other").build())
            .returns(TypeName.BOOLEAN)
            .addStatement("return this == other")
            .build());
    record.addMethod(
        override("hashCode")
            .returns(TypeName.INT)
            .addStatement("return $T.identityHashCode(this)", System.class)
            .build());
    record.addMethod(
        override("toString")
            .returns(String.class)
            .addStatement("return $T.describe(this)", SCHEMA)
            .build());
    return record.build();
  }

  private static CodeBlock schema(OpEntry entry, ClassName self) {
    var code =
        CodeBlock.builder()
            .add("$T.named($S, $S, $S)", SCHEMA, entry.name, entry.level, entry.since);
    code.add(
        "\n.summary($S)\n.formula($S)\n.source($S)", entry.summary, entry.formula, entry.source);
    entry.dtypes.forEach((variable, set) ->
        code.add(
            "\n.dtypes($S, $L)",
            variable,
            CodeBlock.join(set.stream().map(s -> CodeBlock.of("$S", s)).toList(), ", ")));
    for (var operand : entry.operands) {
      code.add(
          "\n.operand($S, $S, $L)", operand.name(), operand.arity(), pattern(operand.pattern()));
    }
    for (var attribute : entry.attributes) {
      code.add(
          "\n.attribute($S, $S, $L, $L)",
          attribute.name(),
          attribute.type(),
          defaultValue(attribute),
          CodeBlock.of(
              "$T.of($L)",
              LIST,
              CodeBlock.join(
                  attribute.choices().stream().map(c -> CodeBlock.of("$S", c)).toList(), ", ")));
    }
    for (var result : entry.results) {
      code.add("\n.result($S, $L)", result.name(), pattern(result.pattern()));
    }
    if (entry.stated) {
      code.add("\n.stated()");
    }
    if (entry.resultHook != null) {
      var hook = OpEntry.camel(entry.resultHook);
      var inference = ClassName.get(OPS, "Inference");
      // A hook named as its op takes the record; one that several ops share takes any op.
      code.add(
          entry.name.equals(entry.resultHook)
              ? CodeBlock.of("\n.resultBy(op -> $T.$N(($T) op))", inference, hook, self)
              : CodeBlock.of("\n.resultBy($T::$N)", inference, hook));
    }
    for (var check : entry.checks) {
      code.add(
          "\n.check($S, op -> $T.$N(($T) op))",
          check.text(),
          ClassName.get(OPS, "Constraints"),
          OpEntry.camel(check.hook()),
          self);
    }
    for (var trait : entry.traits) {
      code.add("\n.trait($S)", trait);
    }
    return code.add("\n.build($T::create)", self).build();
  }

  private static CodeBlock pattern(OpTableParser.PatternContext pattern) {
    return switch (pattern) {
      case OpTableParser.AnyPatternContext p -> CodeBlock.of("$T.any()", PATTERN);
      case OpTableParser.BatchPatternContext p ->
          CodeBlock.of("$T.batch($S, $S)", PATTERN, p.tokens.getText(), p.outputs.getText());
      case OpTableParser.KvPatternContext p ->
          CodeBlock.of(
              "$T.kv($S, $S, $S, $S)",
              PATTERN,
              p.heads.getText(),
              p.k.getText(),
              p.v.getText(),
              p.dtype.getText());
      case OpTableParser.TensorPatternContext p ->
          CodeBlock.of(
              "$T.tensor($S$L)",
              PATTERN,
              p.dtype.getText(),
              p.dim().stream()
                  .map(d -> CodeBlock.of(", $S", d.getText()))
                  .collect(CodeBlock.joining("")));
      default -> throw new IllegalStateException(pattern.getText());
    };
  }

  private static CodeBlock defaultValue(OpEntry.Attribute attribute) {
    var text = attribute.defaultText();
    if (text == null) {
      return CodeBlock.of("null");
    }
    return switch (attribute.type()) {
      case "int" -> CodeBlock.of("$LL", text);
      case "float" ->
          text.endsWith("inf")
              ? CodeBlock.of("Double.$L_INFINITY", text.startsWith("-") ? "NEGATIVE" : "POSITIVE")
              : CodeBlock.of("$L", Double.parseDouble(text));
      case "bool" -> CodeBlock.of("$L", text);
      case "string" -> CodeBlock.of("$S", OpEntry.unquote(text));
      case "ints", "floats" -> CodeBlock.of("$T.of()", LIST);
      default -> throw new IllegalArgumentException(attribute.name() + ": no default possible");
    };
  }

  /** The abstract builder: one method per op, in table order. */
  private static TypeSpec builders(List<OpEntry> entries) {
    var type =
        TypeSpec.classBuilder("Ops")
            .addModifiers(Modifier.PUBLIC, Modifier.ABSTRACT)
            .addJavadoc(
                "One method per op; each builds the op, infers its type, checks it, and returns the"
                    + " interned record.\n");
    type.addMethod(
        MethodSpec.methodBuilder("build")
            .addModifiers(Modifier.PUBLIC, Modifier.ABSTRACT)
            .addJavadoc(
                "Builds an op; {@code stated} is its type if the table cannot infer it, else"
                    + " null.\n")
            .addParameter(SCHEMA, "schema")
            .addParameter(
                ParameterizedTypeName.get(
                    LIST, com.palantir.javapoet.WildcardTypeName.subtypeOf(nullable(VALUE))),
                "operands")
            .addParameter(ParameterizedTypeName.get(LIST, ClassName.OBJECT), "attributes")
            .addParameter(ParameterSpec.builder(nullable(TYPE), "stated").build())
            .returns(OP)
            .build());
    for (var entry : entries) {
      var self = ClassName.get(OPS, entry.className());
      var method =
          MethodSpec.methodBuilder(OpEntry.camel(entry.name))
              .addModifiers(Modifier.PUBLIC)
              .addJavadoc("$L\n", entry.summary)
              .returns(self);
      var operands = new ArrayList<CodeBlock>();
      @Nullable String variadic = null;
      for (var operand : entry.operands) {
        var name = OpEntry.camel(operand.name());
        if (operand.arity().equals("...")) {
          method.addParameter(
              ParameterizedTypeName.get(
                  LIST, com.palantir.javapoet.WildcardTypeName.subtypeOf(VALUE)),
              name);
          variadic = name;
        } else {
          method.addParameter(
              ParameterSpec.builder(operand.arity().equals("?") ? nullable(VALUE) : VALUE, name)
                  .build());
          operands.add(CodeBlock.of("$N", name));
        }
      }
      var attributes = new ArrayList<CodeBlock>();
      for (var attribute : entry.attributes) {
        var name = OpEntry.camel(attribute.name());
        method.addParameter(javaType(attribute.type()), name);
        attributes.add(CodeBlock.of("$N", name));
      }
      if (entry.stated) {
        method.addParameter(TYPE, "type");
      }
      var list =
          variadic == null
              ? CodeBlock.of("$T.list($L)", SCHEMA, CodeBlock.join(operands, ", "))
              : CodeBlock.of(
                  "$T.listAnd($N$L$L)",
                  SCHEMA,
                  variadic,
                  operands.isEmpty() ? "" : ", ",
                  CodeBlock.join(operands, ", "));
      method.addStatement(
          "return ($T) build($T.SCHEMA, $L, $T.of($L), $L)",
          self,
          self,
          list,
          LIST,
          CodeBlock.join(attributes, ", "),
          entry.stated ? "type" : "null");
      type.addMethod(method.build());
    }
    return type.build();
  }

  private static TypeSpec list(List<OpEntry> entries) {
    return TypeSpec.classBuilder("OpTable")
        .addModifiers(Modifier.PUBLIC, Modifier.FINAL)
        .addJavadoc("The schemas of all built-in ops, in table order.\n")
        .addField(
            FieldSpec.builder(
                    ParameterizedTypeName.get(LIST, SCHEMA),
                    "ALL",
                    Modifier.PUBLIC,
                    Modifier.STATIC,
                    Modifier.FINAL)
                .initializer(
                    "$T.of($L)",
                    LIST,
                    CodeBlock.join(
                        entries.stream()
                            .map(e -> CodeBlock.of("$T.SCHEMA", ClassName.get(OPS, e.className())))
                            .toList(),
                        ", "))
                .build())
        .addMethod(MethodSpec.constructorBuilder().addModifiers(Modifier.PRIVATE).build())
        .build();
  }

  private static String javadoc(OpEntry entry) {
    var text = new StringBuilder(entry.summary).append('\n');
    if (!entry.formula.isEmpty()) {
      text.append("\n<pre>{@code\n").append(entry.formula).append("\n}</pre>\n");
    }
    if (!entry.source.isEmpty()) {
      text.append("\n<p>Source: ").append(entry.source).append('\n');
    }
    return text.toString();
  }

  private static MethodSpec.Builder override(String name) {
    return MethodSpec.methodBuilder(name)
        .addAnnotation(Override.class)
        .addModifiers(Modifier.PUBLIC);
  }

  private static TypeName nullable(ClassName type) {
    return type.annotated(com.palantir.javapoet.AnnotationSpec.builder(NULLABLE).build());
  }

  private static TypeName javaType(String attributeType) {
    return switch (attributeType) {
      case "int" -> TypeName.LONG;
      case "float" -> TypeName.DOUBLE;
      case "bool" -> TypeName.BOOLEAN;
      case "string" -> ClassName.get(String.class);
      case "dtype" -> DTYPE;
      case "ints" -> ParameterizedTypeName.get(LIST, ClassName.get(Long.class));
      case "floats" -> ParameterizedTypeName.get(LIST, ClassName.get(Double.class));
      case "numbers" -> LITERAL;
      case "body" -> FUNCTION;
      default -> throw new IllegalArgumentException("unknown attribute type " + attributeType);
    };
  }

  private static CodeBlock cast(String attributeType, CodeBlock value) {
    return switch (attributeType) {
      case "int" -> CodeBlock.of("(long) $L", value);
      case "float" -> CodeBlock.of("(double) $L", value);
      case "bool" -> CodeBlock.of("(boolean) $L", value);
      default -> CodeBlock.of("($T) $L", javaType(attributeType), value);
    };
  }
}
