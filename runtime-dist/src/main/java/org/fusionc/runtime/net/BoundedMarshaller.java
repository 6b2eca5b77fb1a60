package org.fusionc.runtime.net;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.KnownLength;
import io.grpc.MethodDescriptor.Marshaller;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import io.grpc.Status;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Set;

/** Makes objects of a message's bytes, once it is known how many that will be. */
final class BoundedMarshaller<M> implements Marshaller<M> {
  /** Of these the data is nearly all; it stays in the bytes in which the message has come. */
  private static final Set<String> BULK =
      Set.of("Activation", "DriveEvent", "EchoMessage", "BlobChunk", "BlobPut");

  private final Marshaller<M> plain;
  private final Class<M> type;
  private final Message prototype;
  private final MessageShape shape;
  private final boolean bulk;

  private BoundedMarshaller(
      Marshaller<M> plain, Class<M> type, Message prototype, MessageBounds.Sender sender) {
    this.plain = plain;
    this.type = type;
    this.prototype = prototype;
    var descriptor = prototype.getDescriptorForType();
    shape = MessageShape.of(descriptor, sender);
    bulk = BULK.contains(descriptor.getName());
  }

  /** As another one, but with bounds; the other itself if its messages are not protobuf's. */
  static <M> Marshaller<M> of(Marshaller<M> plain, MessageBounds.Sender sender) {
    return plain instanceof PrototypeMarshaller<M> known
            && known.getMessagePrototype() instanceof Message prototype
        ? new BoundedMarshaller<>(plain, known.getMessageClass(), prototype, sender)
        : plain;
  }

  @Override
  public InputStream stream(M message) {
    return plain.stream(message);
  }

  /**
   * @throws io.grpc.StatusRuntimeException INVALID_ARGUMENT if it is malformed, or holds too much
   *     of something
   */
  @Override
  public M parse(InputStream stream) {
    try {
      byte[] bytes = bytes(stream);
      shape.check(bytes);
      var message = parse(bytes, bulk);
      // What comes twice counts once: it must not be kept along with the rest.
      boolean padded = bulk && message.getSerializedSize() < bytes.length - bytes.length / 4;
      return type.cast(padded ? parse(bytes, false) : message);
    } catch (IOException malformed) {
      throw Status.INVALID_ARGUMENT
          .withDescription("the message is malformed: " + malformed.getMessage())
          .asRuntimeException();
    }
  }

  private Message parse(byte[] bytes, boolean keep) throws InvalidProtocolBufferException {
    var in = UnsafeByteOperations.unsafeWrap(bytes).newCodedInput();
    in.enableAliasing(keep);
    var message = prototype.getParserForType().parseFrom(in);
    in.checkLastTagWas(0);
    return message;
  }

  private static byte[] bytes(InputStream stream) throws IOException {
    if (!(stream instanceof KnownLength)) {
      return stream.readAllBytes();
    }
    var bytes = new byte[stream.available()];
    for (int at = 0; at < bytes.length; ) {
      int read = stream.read(bytes, at, bytes.length - at);
      if (read < 0) {
        throw new EOFException("it ends after %d of %d bytes".formatted(at, bytes.length));
      }
      at += read;
    }
    return bytes;
  }
}
