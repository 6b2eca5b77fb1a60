package org.fusionc.runtime.net;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import io.grpc.Status;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What a kind of message looks like on the way: enough to count what its bytes hold before any of
 * it becomes an object. Counting takes a fraction of a microsecond for a frame of one token.
 */
final class MessageShape {
  /** What a field's bytes hold. */
  private enum Content {
    MESSAGE,
    BYTES,
    VARINTS,
    FIXED32,
    FIXED64
  }

  /**
   * A field.
   *
   * @param counter of its elements; -1 if it is not repeated
   * @param wire how one element of it begins
   */
  private record Field(Content content, int counter, int wire, @Nullable Type type) {}

  /** A message or a part of one; fields by number, null where there is none. */
  private static final class Type {
    @Nullable Field[] fields = {};
  }

  /** What is counted, and how much of it there may be. */
  private record Counted(String name, int most) {}

  /** The first counter is for what this version does not know. */
  private static final int UNKNOWN = 0;

  private final Type root;
  private final Counted[] counted;

  private record Key(Descriptor message, MessageBounds.Sender sender) {}

  private static final Map<Key, MessageShape> KNOWN = new ConcurrentHashMap<>();

  static MessageShape of(Descriptor message, MessageBounds.Sender sender) {
    return KNOWN.computeIfAbsent(new Key(message, sender), MessageShape::new);
  }

  private MessageShape(Key key) {
    var all = new ArrayList<Counted>();
    all.add(new Counted("unknown fields", MessageBounds.UNKNOWN));
    root = type(key.message, key.sender, all, new HashMap<>());
    counted = all.toArray(Counted[]::new);
  }

  private static Type type(
      Descriptor message,
      MessageBounds.Sender sender,
      List<Counted> counted,
      Map<Descriptor, Type> known) {
    var before = known.get(message);
    if (before != null) {
      return before;
    }
    var type = new Type();
    known.put(message, type);
    int last = message.getFields().stream().mapToInt(FieldDescriptor::getNumber).max().orElse(0);
    type.fields = new Field[last + 1];
    for (var field : message.getFields()) {
      int counter = -1;
      if (field.isRepeated()) {
        counter = counted.size();
        counted.add(new Counted(MessageBounds.name(field), MessageBounds.most(field, sender)));
      }
      boolean isMessage = field.getJavaType() == FieldDescriptor.JavaType.MESSAGE;
      int wire = field.getLiteType().getWireType();
      type.fields[field.getNumber()] =
          new Field(
              isMessage ? Content.MESSAGE : content(wire),
              counter,
              wire,
              isMessage ? type(field.getMessageType(), sender, counted, known) : null);
    }
    return type;
  }

  private static Content content(int wire) {
    return switch (wire) {
      case WireFormat.WIRETYPE_VARINT -> Content.VARINTS;
      case WireFormat.WIRETYPE_FIXED32 -> Content.FIXED32;
      case WireFormat.WIRETYPE_FIXED64 -> Content.FIXED64;
      default -> Content.BYTES;
    };
  }

  /**
   * Refuses a message that would become more than it may.
   *
   * @throws io.grpc.StatusRuntimeException INVALID_ARGUMENT if it holds too much of something
   * @throws InvalidProtocolBufferException if it is malformed
   */
  void check(byte[] message) throws IOException {
    new Count(message).read(root);
  }

  private final class Count {
    private final byte[] bytes;
    private final CodedInputStream in;
    private final int[] counts = new int[counted.length];

    Count(byte[] bytes) {
      this.bytes = bytes;
      in = CodedInputStream.newInstance(bytes);
    }

    void read(Type type) throws IOException {
      for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
        int number = WireFormat.getTagFieldNumber(tag);
        int wire = WireFormat.getTagWireType(tag);
        var field = number < type.fields.length ? type.fields[number] : null;
        if (field != null && wire == field.wire) {
          element(tag, field);
        } else if (field != null
            && wire == WireFormat.WIRETYPE_LENGTH_DELIMITED
            && field.counter >= 0) {
          add(field.counter, packed(field.content));
        } else {
          unknown(tag, wire);
        }
      }
    }

    private void element(int tag, Field field) throws IOException {
      if (field.counter >= 0) {
        add(field.counter, 1);
      }
      if (field.type == null) {
        in.skipField(tag);
      } else {
        int outer = in.pushLimit(in.readRawVarint32());
        read(field.type);
        in.popLimit(outer);
      }
    }

    /** How many numbers follow, one right after another. */
    private int packed(Content content) throws IOException {
      int length = in.readRawVarint32();
      int from = in.getTotalBytesRead();
      in.skipRawBytes(length);
      return switch (content) {
        case FIXED32 -> length / Float.BYTES;
        case FIXED64 -> length / Double.BYTES;
        default -> {
          int numbers = 0;
          for (int at = from; at < from + length; at++) {
            // The last byte of each number says that it is the last.
            numbers += bytes[at] >= 0 ? 1 : 0;
          }
          yield numbers;
        }
      };
    }

    private void unknown(int tag, int wire) throws IOException {
      add(UNKNOWN, 1);
      if (wire == WireFormat.WIRETYPE_START_GROUP || wire == WireFormat.WIRETYPE_END_GROUP) {
        // No version has any, and they could hold whatever is not to be held.
        throw new InvalidProtocolBufferException("it holds a group");
      }
      in.skipField(tag);
    }

    private void add(int counter, int elements) {
      counts[counter] += elements;
      var bound = counted[counter];
      if (counts[counter] > bound.most) {
        throw Status.INVALID_ARGUMENT
            .withDescription("the message holds more than %d %s".formatted(bound.most, bound.name))
            .asRuntimeException();
      }
    }
  }
}
