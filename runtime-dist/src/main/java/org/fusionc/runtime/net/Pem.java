package org.fusionc.runtime.net;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;

/** Certificates and keys as text between BEGIN and END lines (RFC 7468). */
final class Pem {
  private static final long MAX_BYTES = 1 << 20;
  private static final String KEY = "PRIVATE KEY";

  private Pem() {}

  static byte[] certificate(X509Certificate certificate) throws CertificateException {
    return text("CERTIFICATE", certificate.getEncoded());
  }

  static byte[] key(PrivateKey key) {
    return text(KEY, key.getEncoded());
  }

  /**
   * The certificates of a file, in order.
   *
   * @throws DiagnosticException if there is none, or one that is malformed
   */
  static List<X509Certificate> certificates(Path file) {
    byte[] bytes = read(file);
    try {
      var certificates = new ArrayList<X509Certificate>();
      for (var certificate :
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(bytes))) {
        certificates.add((X509Certificate) certificate);
      }
      if (certificates.isEmpty()) {
        throw malformed(file, "it holds no certificate");
      }
      return List.copyOf(certificates);
    } catch (CertificateException e) {
      throw malformed(file, "it is no certificate in PEM form (" + e.getMessage() + ")");
    }
  }

  /**
   * A private key, not encrypted.
   *
   * @param algorithm of the public key that it belongs to
   * @throws DiagnosticException if it is malformed, or of another algorithm, or anybody may read it
   */
  static PrivateKey key(Path file, String algorithm) {
    String text = new String(read(file), US_ASCII);
    if (isOpen(file)) {
      throw Diagnostic.invalid(
              Location.named(file.toString()),
              "everybody on this machine may read this private key",
              "chmod 600 it; if somebody may have copied it, issue it anew")
          .exception();
    }
    String begin = "-----BEGIN " + KEY + "-----";
    int from = text.indexOf(begin);
    int to = text.indexOf("-----END " + KEY + "-----");
    if (from < 0 || to < from) {
      throw malformed(file, "it holds no unencrypted private key in PKCS#8 form");
    }
    try {
      byte[] der = Base64.getMimeDecoder().decode(text.substring(from + begin.length(), to));
      return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw malformed(file, "it is no " + algorithm + " key (" + e.getMessage() + ")");
    }
  }

  private static boolean isOpen(Path file) {
    try {
      return SecretFiles.isOpen(file);
    } catch (IOException e) {
      throw malformed(file, "it cannot be read (" + IoReason.of(e) + ")");
    }
  }

  private static byte[] read(Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw malformed(file, "it is larger than " + MAX_BYTES + " bytes");
      }
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw malformed(file, "there is no such file");
    } catch (IOException e) {
      throw malformed(file, "it cannot be read (" + IoReason.of(e) + ")");
    }
  }

  private static byte[] text(String what, byte[] der) {
    var base64 = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    return ("-----BEGIN " + what + "-----\n" + base64 + "\n-----END " + what + "-----\n")
        .getBytes(US_ASCII);
  }

  private static DiagnosticException malformed(Path file, String why) {
    return Diagnostic.invalid(
            Location.named(file.toString()),
            "this is not what TLS needs: " + why,
            "a directory with ca.pem, cert.pem and key.pem is made by 'fusionc ca issue'")
        .exception();
  }
}
