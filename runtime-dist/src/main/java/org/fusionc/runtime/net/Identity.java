package org.fusionc.runtime.net;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.nio.file.Path;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/**
 * What a certificate says of its bearer.
 *
 * @param name as {@code fusionc ca issue} was told
 * @param role null if it has none: it is no certificate of a cluster, or that of its CA
 * @param hosts names and addresses at which it may be reached
 * @param authority whether it may sign others
 */
public record Identity(
    String name,
    @Nullable Role role,
    List<String> hosts,
    Instant from,
    Instant until,
    boolean authority) {
  private static final int DNS = 2;
  private static final int URI = 6;
  private static final int IP = 7;

  /**
   * Reads a certificate.
   *
   * @param file in PEM form; the first certificate of it counts
   * @throws org.fusionc.ir.diagnostic.DiagnosticException if it cannot be read, or is none
   */
  public static Identity read(Path file) {
    return of(Pem.certificates(file).getFirst());
  }

  static Identity of(X509Certificate certificate) {
    Role role = null;
    boolean several = false;
    var hosts = new ArrayList<String>();
    try {
      var names = certificate.getSubjectAlternativeNames();
      for (List<?> name : names == null ? List.<List<?>>of() : names) {
        String value = String.valueOf(name.get(1));
        switch ((Integer) name.get(0)) {
          case DNS -> hosts.add(value);
          case IP -> hosts.add(NetUtil.toAddressString(InetAddress.ofLiteral(value)));
          case URI -> {
            for (Role r : Role.values()) {
              if (r.urn().equals(value)) {
                several |= role != null;
                role = r;
              }
            }
          }
          default -> {}
        }
      }
    } catch (CertificateParsingException e) {
      role = null;
    }
    return new Identity(
        commonName(certificate),
        several ? null : role,
        List.copyOf(hosts),
        certificate.getNotBefore().toInstant(),
        certificate.getNotAfter().toInstant(),
        certificate.getBasicConstraints() >= 0);
  }

  private static String commonName(X509Certificate certificate) {
    String name = certificate.getSubjectX500Principal().getName(X500Principal.RFC2253);
    return name.startsWith("CN=") ? name.substring(3) : name;
  }

  /** Whether now is between its beginning and its end. */
  public boolean current() {
    Instant now = Instant.now();
    return !now.isBefore(from) && now.isBefore(until);
  }
}
