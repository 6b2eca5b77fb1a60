package org.fusionc.backend.cpu.x86;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Locale;

/** Memory in whole pages, and what may be done with it, as POSIX systems give it. */
@SuppressWarnings("restricted") // mapping memory is what this class is for
public final class Pages {

  /** What may be done with pages. */
  public enum Access {
    NOTHING(0),
    READ_WRITE(3),
    READ_EXECUTE(5);

    private final int bits;

    Access(int bits) {
      this.bits = bits;
    }
  }

  /** Bytes of a page, at least; everything here goes by multiples of it. */
  public static final long SIZE = 4096;

  private static final int DONT_NEED = 4;
  private static final int HUGE_PAGES_ON_LINUX = 14;
  private static final int PRIVATE = 2;
  private static final int ANONYMOUS_ON_LINUX = 0x20;
  private static final int ANONYMOUS_ON_MAC = 0x1000;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle MMAP =
      handle(
          "mmap",
          FunctionDescriptor.of(
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG));
  private static final MethodHandle MPROTECT =
      handle(
          "mprotect",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT));
  private static final MethodHandle MADVISE =
      handle(
          "madvise",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT));
  private static final MethodHandle MUNMAP =
      handle(
          "munmap",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));

  private Pages() {}

  /** Whether this system has such calls: Linux and macOS. */
  public static boolean isSupported() {
    return isLinux() || isMac();
  }

  private static boolean isLinux() {
    return system().startsWith("linux");
  }

  private static boolean isMac() {
    return system().startsWith("mac");
  }

  private static String system() {
    return System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
  }

  private static MethodHandle handle(String name, FunctionDescriptor signature) {
    return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), signature);
  }

  /**
   * Fresh pages of zeros, to read and write.
   *
   * @param bytes rounded up to whole pages
   * @param arena gives them back when it closes
   * @throws IllegalStateException if the system has none left
   */
  public static MemorySegment map(long bytes, Arena arena) {
    long size = (Math.max(1, bytes) + SIZE - 1) / SIZE * SIZE;
    int flags = PRIVATE | (isMac() ? ANONYMOUS_ON_MAC : ANONYMOUS_ON_LINUX);
    long address;
    try {
      address = (long) MMAP.invokeExact(0L, size, Access.READ_WRITE.bits, flags, -1, 0L);
    } catch (Throwable failure) {
      throw impossible(failure);
    }
    if (address == -1) {
      throw new IllegalStateException("the system gives no " + size + " bytes of memory");
    }
    return MemorySegment.ofAddress(address).reinterpret(size, arena, _ -> unmap(address, size));
  }

  /**
   * Sets what may be done with pages.
   *
   * @param pages whole pages of one mapping
   * @throws IllegalStateException if the system refuses
   */
  public static void protect(MemorySegment pages, Access access) {
    int result;
    try {
      result = (int) MPROTECT.invokeExact(pages.address(), pages.byteSize(), access.bits);
    } catch (Throwable failure) {
      throw impossible(failure);
    }
    if (result != 0) {
      throw new IllegalStateException("the system refuses to make memory " + access);
    }
  }

  /**
   * Fresh memory of zeros for what is large and stays: in huge pages where the system has them, for
   * fewer of them are looked up when it is read.
   *
   * @param bytes exactly what is given
   * @param arena gives it back when it closes
   */
  public static MemorySegment mapLarge(long bytes, Arena arena) {
    var pages = map(bytes, arena);
    if (isLinux()) {
      advise(pages.address(), pages.byteSize(), HUGE_PAGES_ON_LINUX);
    }
    return pages.asSlice(0, bytes);
  }

  /**
   * Lets the system take back what a mapped file has in memory; what is touched again is read
   * again. Only whole pages go, and other systems than Linux keep them until they need them.
   *
   * @param mapped a part of a file that is mapped to be read
   */
  public static void forget(MemorySegment mapped) {
    if (!isLinux()) {
      return;
    }
    long from = (mapped.address() + SIZE - 1) / SIZE * SIZE;
    long to = (mapped.address() + mapped.byteSize()) / SIZE * SIZE;
    if (from < to) {
      advise(from, to - from, DONT_NEED);
    }
  }

  /** Advice may be ignored, and so is a refusal. */
  private static void advise(long address, long size, int advice) {
    try {
      var _ = (int) MADVISE.invokeExact(address, size, advice);
    } catch (Throwable failure) {
      throw impossible(failure);
    }
  }

  private static void unmap(long address, long size) {
    try {
      var _ = (int) MUNMAP.invokeExact(address, size);
    } catch (Throwable failure) {
      throw impossible(failure);
    }
  }

  private static IllegalStateException impossible(Throwable failure) {
    if (failure instanceof Error error) {
      throw error;
    }
    return new IllegalStateException(failure);
  }
}
