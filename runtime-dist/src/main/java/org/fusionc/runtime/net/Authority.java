package org.fusionc.runtime.net;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.util.IPAddress;
import org.fusionc.ir.diagnostic.Diagnostic;
import org.fusionc.ir.diagnostic.DiagnosticException;
import org.fusionc.ir.diagnostic.IoReason;
import org.fusionc.ir.diagnostic.Location;

/**
 * A cluster's private certificate authority: a directory with ca.pem, which everyone may have, and
 * ca-key.pem, with which whoever has it may make members of the cluster. Keys are ECDSA on P-256.
 */
public final class Authority {
  /** What every member of the cluster has, to know the others by. */
  static final String CA = "ca.pem";

  static final String CERTIFICATE = "cert.pem";
  static final String KEY = "key.pem";
  private static final String CA_KEY = "ca-key.pem";

  private static final String SIGNATURE = "SHA256withECDSA";
  private static final Duration CA_LIFE = Duration.ofDays(3650);

  /** Clocks differ; a certificate is good from a little before it was made. */
  private static final Duration SKEW = Duration.ofMinutes(5);

  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9._-]{1,63}");
  private static final Pattern HOST =
      Pattern.compile("[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?");

  private final X509Certificate certificate;
  private final PrivateKey key;

  private Authority(X509Certificate certificate, PrivateKey key) {
    this.certificate = certificate;
    this.key = key;
  }

  /**
   * Makes an authority; its key file can be read by the owner alone.
   *
   * @throws DiagnosticException if there is one already, or the files cannot be written
   */
  public static Authority init(Path directory) {
    try {
      KeyPair keys = keys();
      byte[] mark = new byte[4];
      new SecureRandom().nextBytes(mark);
      var subject = new X500Name("CN=fusionc-ca-" + HexFormat.of().formatHex(mark));
      var builder = builder(subject, subject, keys.getPublic(), CA_LIFE);
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(0));
      builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign));
      var certificate = sign(builder, keys.getPrivate());
      SecretFiles.directory(directory);
      if (Files.exists(directory.resolve(CA))) {
        throw new FileAlreadyExistsException(CA);
      }
      SecretFiles.create(directory.resolve(CA_KEY), Pem.key(keys.getPrivate()));
      Files.write(directory.resolve(CA), Pem.certificate(certificate));
      return new Authority(certificate, keys.getPrivate());
    } catch (FileAlreadyExistsException e) {
      throw Diagnostic.usage(
              "there is a CA in " + directory + " already, and it is not overwritten",
              "choose another --out; all certificates of the old one would become useless")
          .exception();
    } catch (IOException | GeneralSecurityException | OperatorException e) {
      throw failed(directory, e);
    }
  }

  /**
   * An authority that was made before.
   *
   * @throws DiagnosticException if it is missing, malformed or expired
   */
  public static Authority open(Path directory) {
    if (!Files.exists(directory.resolve(CA_KEY))) {
      throw Diagnostic.usage(
              "there is no CA in " + directory, "make one with 'fusionc ca init --out DIR'")
          .exception();
    }
    var certificate = Pem.certificates(directory.resolve(CA)).getFirst();
    if (!Identity.of(certificate).current()) {
      throw Diagnostic.failed(
              Location.named(directory.resolve(CA).toString()),
              "the CA's certificate expired at " + certificate.getNotAfter().toInstant(),
              "make a new CA, and see 'rotation' in docs/SECURITY.md")
          .exception();
    }
    var algorithm = certificate.getPublicKey().getAlgorithm();
    return new Authority(certificate, Pem.key(directory.resolve(CA_KEY), algorithm));
  }

  /** What the authority's own certificate says. */
  public Identity identity() {
    return Identity.of(certificate);
  }

  /**
   * Makes a certificate with a new key.
   *
   * @param name for people, in logs
   * @param hosts DNS names and IP addresses at which others reach it
   * @param life from now
   * @param out the directory to write ca.pem, cert.pem and key.pem into
   * @param renew whether what is there may be replaced; running processes then take up the new one
   * @throws DiagnosticException if a name is malformed, there is a certificate already, or the
   *     files cannot be written
   */
  public Identity issue(
      String name, Role role, List<String> hosts, Duration life, Path out, boolean renew) {
    if (!NAME.matcher(name).matches()) {
      throw Diagnostic.usage(
              "'" + name + "' cannot be the name of a certificate",
              "use 1 to 63 letters, digits, dots, hyphens and low lines")
          .exception();
    }
    if (life.isNegative() || life.isZero()) {
      throw Diagnostic.usage("a certificate lasts at least a day", "raise --days").exception();
    }
    try {
      SecretFiles.directory(out);
      if (!renew && (Files.exists(out.resolve(KEY)) || Files.exists(out.resolve(CERTIFICATE)))) {
        throw Diagnostic.usage(
                "there is a certificate in " + out + " already",
                "choose another --out, or say --renew to replace it")
            .exception();
      }
      KeyPair keys = keys();
      var certificate = certify(name, role, hosts, life, keys.getPublic());
      // The certificate last: whoever watches takes up the three when it changes.
      SecretFiles.replace(out.resolve(CA), Pem.certificate(this.certificate));
      SecretFiles.replace(out.resolve(KEY), Pem.key(keys.getPrivate()));
      SecretFiles.replace(out.resolve(CERTIFICATE), Pem.certificate(certificate));
      return Identity.of(certificate);
    } catch (IOException | GeneralSecurityException | OperatorException e) {
      throw failed(out, e);
    }
  }

  /** For tests as well, which want certificates that are expired or lack a role. */
  X509Certificate certify(
      String name, Role role, List<String> hosts, Duration life, PublicKey publicKey)
      throws IOException, GeneralSecurityException, OperatorException {
    var issuer = new X500Name(certificate.getSubjectX500Principal().getName());
    var builder = builder(issuer, new X500Name("CN=" + name), publicKey, life);
    var extensions = new JcaX509ExtensionUtils();
    var purposes = new ArrayList<KeyPurposeId>();
    purposes.add(KeyPurposeId.id_kp_clientAuth);
    if (role.listens()) {
      purposes.add(KeyPurposeId.id_kp_serverAuth);
    }
    var names = new ArrayList<GeneralName>();
    names.add(new GeneralName(GeneralName.uniformResourceIdentifier, role.urn()));
    for (String host : hosts) {
      names.add(hostName(host));
    }
    builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
    builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
    builder.addExtension(
        Extension.extendedKeyUsage,
        false,
        new ExtendedKeyUsage(purposes.toArray(KeyPurposeId[]::new)));
    builder.addExtension(
        Extension.subjectAlternativeName,
        false,
        new GeneralNames(names.toArray(GeneralName[]::new)));
    builder.addExtension(
        Extension.authorityKeyIdentifier,
        false,
        extensions.createAuthorityKeyIdentifier(certificate));
    return sign(builder, key);
  }

  private static GeneralName hostName(String host) {
    if (IPAddress.isValid(host)) {
      return new GeneralName(GeneralName.iPAddress, host);
    }
    if (!HOST.matcher(host).matches()) {
      throw Diagnostic.usage(
              "'" + host + "' is no host name or address", "write it without port or brackets")
          .exception();
    }
    return new GeneralName(GeneralName.dNSName, host);
  }

  private static KeyPair keys() throws GeneralSecurityException {
    var generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    return generator.generateKeyPair();
  }

  private static JcaX509v3CertificateBuilder builder(
      X500Name issuer, X500Name subject, PublicKey publicKey, Duration life) {
    Instant now = Instant.now();
    return new JcaX509v3CertificateBuilder(
        issuer,
        new BigInteger(127, new SecureRandom()).add(BigInteger.ONE),
        Date.from(now.minus(SKEW)),
        Date.from(now.plus(life)),
        subject,
        publicKey);
  }

  private static X509Certificate sign(JcaX509v3CertificateBuilder builder, PrivateKey key)
      throws GeneralSecurityException, OperatorException {
    var signer = new JcaContentSignerBuilder(SIGNATURE).build(key);
    return new JcaX509CertificateConverter().getCertificate(builder.build(signer));
  }

  private static DiagnosticException failed(Path directory, Exception e) {
    return Diagnostic.failed(
            Location.named(directory.toString()),
            "the certificate cannot be made: "
                + (e instanceof IOException io ? IoReason.of(io) : String.valueOf(e.getMessage())),
            "choose a directory where you may write")
        .exception();
  }
}
