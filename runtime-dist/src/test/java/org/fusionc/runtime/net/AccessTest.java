package org.fusionc.runtime.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import java.util.List;
import java.util.stream.Stream;
import org.fusionc.runtime.proto.BlobServiceGrpc;
import org.fusionc.runtime.proto.BrokerServiceGrpc;
import org.fusionc.runtime.proto.EchoServiceGrpc;
import org.fusionc.runtime.proto.StageServiceGrpc;
import org.junit.jupiter.api.Test;

class AccessTest {
  private static final List<ServiceDescriptor> SERVICES =
      List.of(
          StageServiceGrpc.getServiceDescriptor(),
          BlobServiceGrpc.getServiceDescriptor(),
          EchoServiceGrpc.getServiceDescriptor(),
          BrokerServiceGrpc.getServiceDescriptor());

  @Test
  void everyMethodIsInTheTableAndNothingElse() {
    Stream<String> methods =
        SERVICES.stream()
            .flatMap(s -> s.getMethods().stream())
            .map(MethodDescriptor::getFullMethodName);
    assertThat(Access.callers().keySet()).containsExactlyInAnyOrderElementsOf(methods.toList());
    for (var service : SERVICES) {
      assertThat(Access.servers(service.getName())).as(service.getName()).isNotEmpty();
    }
  }

  @Test
  void anAdministratorIsAClientAndNothingElse() {
    for (var callers : Access.callers().values()) {
      assertThat(Role.ADMIN.is(callers))
          .isEqualTo(callers.contains(Role.CLIENT) || callers.contains(Role.ADMIN));
      assertThat(Role.CLIENT.is(callers)).isEqualTo(callers.contains(Role.CLIENT));
    }
  }

  @Test
  void whatIsNotInTheTableIsForNobody() {
    assertThat(Access.callers("grpc.reflection.v1.ServerReflection/ServerReflectionInfo"))
        .isEmpty();
  }
}
