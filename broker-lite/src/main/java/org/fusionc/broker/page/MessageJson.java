package org.fusionc.broker.page;

import com.google.protobuf.ByteString;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import java.util.HexFormat;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Protocol messages as JSON: all fields, also those that are zero or empty, under the names of the
 * protocol's definition in camel case; bytes as hexadecimal digits, enums by name, messages that
 * are absent and numbers that are infinite or none as null.
 */
public final class MessageJson {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
  private static final JsonMapper JSON = new JsonMapper();

  private MessageJson() {}

  public static String text(Message message) {
    return JSON.writeValueAsString(node(message));
  }

  /** As {@link #text}, on several lines. */
  public static String readable(Message message) {
    return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(node(message));
  }

  private static ObjectNode node(Message message) {
    var object = NODES.objectNode();
    for (var field : message.getDescriptorForType().getFields()) {
      object.set(field.getJsonName(), field(message, field));
    }
    return object;
  }

  private static JsonNode field(Message message, FieldDescriptor field) {
    if (field.isMapField()) {
      var object = NODES.objectNode();
      for (var entry : (List<?>) message.getField(field)) {
        var pair = (Message) entry;
        var key = field.getMessageType().findFieldByName("key");
        var value = field.getMessageType().findFieldByName("value");
        object.set(String.valueOf(pair.getField(key)), value(pair.getField(value)));
      }
      return object;
    }
    if (field.isRepeated()) {
      var array = NODES.arrayNode();
      ((List<?>) message.getField(field)).forEach(each -> array.add(value(each)));
      return array;
    }
    if (field.hasPresence() && !message.hasField(field)) {
      return NODES.nullNode();
    }
    return value(message.getField(field));
  }

  private static JsonNode value(Object value) {
    return switch (value) {
      case Message message -> node(message);
      case ByteString bytes -> NODES.stringNode(HexFormat.of().formatHex(bytes.toByteArray()));
      case EnumValueDescriptor constant -> NODES.stringNode(constant.getName());
      case String text -> NODES.stringNode(text);
      case Boolean truth -> NODES.booleanNode(truth);
      // JSON has no others.
      case Double number when !Double.isFinite(number) -> NODES.nullNode();
      case Double number -> NODES.numberNode(number);
      case Float number when !Float.isFinite(number) -> NODES.nullNode();
      case Float number -> NODES.numberNode(number);
      case Long number -> NODES.numberNode(number);
      case Integer number -> NODES.numberNode(number);
      default -> NODES.stringNode(value.toString());
    };
  }
}
