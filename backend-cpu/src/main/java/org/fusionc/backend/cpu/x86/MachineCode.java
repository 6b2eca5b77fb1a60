package org.fusionc.backend.cpu.x86;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/**
 * A function in machine code that takes up to nine integers or addresses, six in {@link
 * #ARGUMENTS}, and returns one in RAX.
 *
 * <p>Its memory is written first and made executable then, and never both at once. A call does not
 * tell the JVM that the thread is away, so a collection waits for it: it must be short (a
 * millisecond) and must not block.
 */
public final class MachineCode {
  /** Where a function finds its arguments (System V ABI). */
  public static final java.util.List<Gp> ARGUMENTS =
      java.util.List.of(Gp.RDI, Gp.RSI, Gp.RDX, Gp.RCX, Gp.R8, Gp.R9);

  private static final MethodHandle CALL = call();

  private final MemorySegment entry;

  private MachineCode(MemorySegment entry) {
    this.entry = entry;
  }

  @SuppressWarnings("restricted") // calling machine code is what this class is for
  private static MethodHandle call() {
    var signature =
        FunctionDescriptor.of(
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_LONG);
    return Linker.nativeLinker().downcallHandle(signature, Linker.Option.critical(false));
  }

  /** Whether code for this processor and system can be made here: x86-64, Linux or macOS. */
  public static boolean isSupported() {
    String cpu = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    return (cpu.equals("amd64") || cpu.equals("x86_64")) && Pages.isSupported();
  }

  /**
   * Makes a function of code that keeps RBX, RBP, RSP and R12 to R15 as they are, and ends with a
   * return.
   *
   * @param arena frees the code when it closes; no call may be under way then
   * @throws IllegalStateException if the system gives no memory for code
   */
  public static MachineCode of(byte[] code, Arena arena) {
    if (!isSupported()) {
      throw new IllegalStateException("there is no machine code for this processor and system");
    }
    var memory = Pages.map(code.length, arena);
    MemorySegment.copy(code, 0, memory, ValueLayout.JAVA_BYTE, 0, code.length);
    Pages.protect(memory, Pages.Access.READ_EXECUTE);
    return new MachineCode(memory);
  }

  /** Where a function finds argument 6, 7 or 8 when it has pushed so many registers. */
  public static Operand.Address onStack(int argument, int pushed) {
    return Operand.Address.at(Gp.RSP, 8 * (pushed + argument - 5));
  }

  /** Calls it. Nothing is checked: wrong addresses end the process. */
  public long call(long a, long b, long c, long d, long e, long f) {
    return call(a, b, c, d, e, f, 0, 0, 0);
  }

  /** The same with arguments on the stack. */
  public long call(long a, long b, long c, long d, long e, long f, long g, long h, long i) {
    try {
      return (long) CALL.invokeExact(entry, a, b, c, d, e, f, g, h, i);
    } catch (Error | RuntimeException failure) {
      throw failure;
    } catch (Throwable failure) {
      throw new IllegalStateException(failure);
    }
  }
}
