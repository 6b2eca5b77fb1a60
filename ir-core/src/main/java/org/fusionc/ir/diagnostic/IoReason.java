package org.fusionc.ir.diagnostic;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/**
 * Why a file could not be read or written, in words for people. An exception's own text will not
 * do: it is the name of its class, or the file's name again, or nothing at all.
 */
public final class IoReason {
  private IoReason() {}

  /** Ends a message of the form {@code it cannot be read: …}. */
  public static String of(IOException failure) {
    return switch (failure) {
      case NoSuchFileException _ -> "there is no such file or directory";
      case AccessDeniedException _ -> "permission is denied";
      case FileAlreadyExistsException _ -> "there is a file of that name";
      case DirectoryNotEmptyException _ -> "the directory is not empty";
      case NotDirectoryException _ -> "it is not a directory";
      case FileSystemException refused when refused.getReason() != null ->
          worded(refused.getReason());
      // What is left of its text is the file's name.
      case FileSystemException _ -> unsaid();
      case FileNotFoundException older -> bracketed(String.valueOf(older.getMessage()));
      case CharacterCodingException _ -> "it is not text in UTF-8";
      case EOFException _ -> "it ends too early";
      default -> {
        String text = failure.getMessage();
        yield text == null || text.isBlank() ? unsaid() : worded(text);
      }
    };
  }

  /** The older interfaces to files say {@code NAME (Is a directory)}. */
  private static String bracketed(String text) {
    int open = text.lastIndexOf('(');
    return open >= 0 && text.endsWith(")")
        ? worded(text.substring(open + 1, text.length() - 1))
        : unsaid();
  }

  private static String unsaid() {
    return "the system does not say why";
  }

  /** The system's own words, which begin like a sentence. */
  private static String worded(String reason) {
    return switch (reason) {
      case "No such file or directory" -> "there is no such file or directory";
      case "Permission denied" -> "permission is denied";
      case "Is a directory" -> "it is a directory";
      case "Not a directory" -> "a part of its path is not a directory";
      default -> {
        boolean isWord = reason.length() > 1 && Character.isLowerCase(reason.charAt(1));
        yield isWord ? Character.toLowerCase(reason.charAt(0)) + reason.substring(1) : reason;
      }
    };
  }
}
