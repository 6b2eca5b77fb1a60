package org.fusionc.runtime.net;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.Location;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A directory with ca.pem, cert.pem and key.pem, taken up again whenever it has changed. */
final class Credentials {
  private static final Logger LOG = LoggerFactory.getLogger(Credentials.class);

  /** What the directory held at one time. */
  record Loaded(
      List<X509Certificate> chain,
      PrivateKey key,
      Identity identity,
      X509ExtendedTrustManager trust) {
    X509Certificate[] chainArray() {
      return chain.toArray(X509Certificate[]::new);
    }
  }

  private final Path directory;
  private List<FileTime> times;
  private Loaded loaded;

  /**
   * Reads it once.
   *
   * @throws DiagnosticException if something is missing or malformed, does not belong together, or
   *     has expired
   */
  Credentials(Path directory) {
    this.directory = directory;
    this.times = times();
    this.loaded = load();
    if (!loaded.identity().current()) {
      throw invalid(
          "the certificate is good from "
              + loaded.identity().from()
              + " until "
              + loaded.identity().until()
              + ", and not now",
          "renew it with 'fusionc ca issue … --renew', and check this machine's clock");
    }
    if (loaded.identity().role() == null) {
      throw invalid(
          "the certificate names no role of a cluster", "make one with 'fusionc ca issue'");
    }
  }

  /** As it is now; what was before if it cannot be read just now. */
  synchronized Loaded current() {
    var now = times();
    if (!now.equals(times)) {
      times = now;
      try {
        loaded = load();
        LOG.info(
            "certificate of {} taken up again: {}, until {}",
            directory,
            loaded.identity().name(),
            loaded.identity().until());
      } catch (DiagnosticException e) {
        LOG.warn("the changed certificate is not taken up: {}", e.getMessage());
      }
    }
    return loaded;
  }

  private List<FileTime> times() {
    var times = new ArrayList<FileTime>();
    for (String name : List.of(Authority.CA, Authority.CERTIFICATE)) {
      try {
        times.add(Files.getLastModifiedTime(directory.resolve(name)));
      } catch (IOException e) {
        times.add(FileTime.fromMillis(0)); // load says what is missing
      }
    }
    return times;
  }

  private Loaded load() {
    var chain = Pem.certificates(directory.resolve(Authority.CERTIFICATE));
    var publicKey = chain.getFirst().getPublicKey();
    var key = Pem.key(directory.resolve(Authority.KEY), publicKey.getAlgorithm());
    try {
      // A key of another certificate would show only as handshakes that fail at the other side.
      String algorithm =
          publicKey.getAlgorithm().equals("EC") ? "SHA256withECDSA" : publicKey.getAlgorithm();
      if (publicKey.getAlgorithm().equals("RSA")) {
        algorithm = "SHA256withRSA";
      }
      byte[] text = "fusionc".getBytes(US_ASCII);
      var signer = Signature.getInstance(algorithm);
      signer.initSign(key);
      signer.update(text);
      byte[] signature = signer.sign();
      var verifier = Signature.getInstance(algorithm);
      verifier.initVerify(publicKey);
      verifier.update(text);
      if (!verifier.verify(signature)) {
        throw invalid("key.pem does not belong to cert.pem", "issue them together");
      }
      return new Loaded(
          chain, key, Identity.of(chain.getFirst()), trust(directory.resolve(Authority.CA)));
    } catch (GeneralSecurityException e) {
      throw invalid("the certificate cannot be used: " + e.getMessage(), "issue it anew");
    }
  }

  private static X509ExtendedTrustManager trust(Path file) throws GeneralSecurityException {
    try {
      var store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      int number = 0;
      for (var authority : Pem.certificates(file)) {
        store.setCertificateEntry("ca" + number++, authority);
      }
      var factory = TrustManagerFactory.getInstance("PKIX");
      factory.init(store);
      return Arrays.stream(factory.getTrustManagers())
          .filter(X509ExtendedTrustManager.class::isInstance)
          .map(X509ExtendedTrustManager.class::cast)
          .findFirst()
          .orElseThrow(() -> new GeneralSecurityException("this JDK has no PKIX trust manager"));
    } catch (IOException e) {
      throw new GeneralSecurityException(e);
    }
  }

  private DiagnosticException invalid(String message, String remedy) {
    return Diagnostic.invalid(Location.named(directory.toString()), message, remedy).exception();
  }
}
