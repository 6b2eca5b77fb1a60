package org.fusionc.passes;

import java.util.ArrayList;
import java.util.List;
import org.fusionc.ir.DType.Scalar;
import org.fusionc.ir.Function;
import org.fusionc.ir.Literal;
import org.fusionc.ir.Notes;
import org.fusionc.ir.Op;
import org.fusionc.ir.Type;
import org.fusionc.ir.Value;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.interpret.Array;
import org.fusionc.ir.interpret.Interpreter;
import org.fusionc.ir.op.BroadcastTo;
import org.fusionc.ir.op.Constant;
import org.fusionc.ir.op.Iota;
import org.fusionc.ir.pass.PassContext;
import org.fusionc.ir.pass.PassOption;
import org.fusionc.ir.pass.RewritePass;
import org.fusionc.ir.rewrite.Reachable;
import org.fusionc.ir.rewrite.Rewriting;
import org.fusionc.ir.rewrite.Rule;
import org.jspecify.annotations.Nullable;

/**
 * {@code fold-constants}: f(constants) → constant, computed by the reference interpreter, if the
 * result is small. What is made of weights is not folded but split into load-time functions.
 */
public final class FoldConstants extends RewritePass {
  private static final PassOption LIMIT =
      new PassOption("limit", 1024L, "the largest constant to make, in elements");

  public FoldConstants() {
    super("fold-constants", "Compute what is made of small constants alone.", LIMIT);
  }

  @Override
  protected List<Rule> rules(PassContext context) {
    long limit = context.integer("limit");
    return only((op, b) -> fold(op, b, limit));
  }

  private static @Nullable Value fold(Op op, Rewriting b, long limit) {
    if (op instanceof Constant
        || op instanceof Iota
        || op instanceof BroadcastTo
        || op.inputs().isEmpty()
        || !op.bodies().isEmpty()
        || !(op.type() instanceof Type.Tensor type)
        || !type.isStatic()
        || !(type.dtype() instanceof Scalar dtype)
        || dtype == Scalar.U64) {
      return null;
    }
    long elements = type.size().value();
    for (var input : op.inputs()) {
      if (!isKnown(input)) {
        return null;
      }
      elements = Math.max(elements, input.tensorType().size().value());
    }
    if (elements > limit || type.size().is(0)) {
      return b.nearly(op, "%d elements are over the limit of %d".formatted(elements, limit));
    }
    try {
      var literal = run(op, dtype);
      return literal == null
          ? b.nearly(op, "the result is not a number")
          : b.constant(literal, type);
    } catch (DiagnosticException wrong) {
      return b.nearly(op, wrong.diagnostics().getFirst().message());
    }
  }

  private static boolean isKnown(Value value) {
    return value.type() instanceof Type.Tensor type
        && type.isStatic()
        && switch (value) {
          case Constant _, Iota _ -> true;
          case BroadcastTo(Constant _, _) -> true;
          default -> false;
        };
  }

  private static @Nullable Literal run(Op op, Scalar dtype) {
    var body = List.copyOf(Reachable.ops(List.of(op)));
    var function = new Function("", List.of(), body, List.of(op), new Notes());
    var array = Array.of(Interpreter.run(function, List.of()).getFirst());
    var elements = new ArrayList<Number>();
    for (int i = 0; i < array.size(); i++) {
      if (dtype.kind() == Scalar.Kind.FLOAT) {
        double element = array.real(i);
        if (Double.isNaN(element)) {
          return null;
        }
        elements.add(element);
      } else {
        elements.add(array.integer(i));
      }
    }
    boolean same = elements.stream().allMatch(elements.getFirst()::equals);
    return new Literal(same ? elements.subList(0, 1) : elements);
  }
}
