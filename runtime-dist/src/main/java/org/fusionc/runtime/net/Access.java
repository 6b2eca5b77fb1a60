package org.fusionc.runtime.net;

import static java.util.Map.entry;
import static org.fusionc.runtime.net.Role.ADMIN;
import static org.fusionc.runtime.net.Role.BROKER;
import static org.fusionc.runtime.net.Role.CLIENT;
import static org.fusionc.runtime.net.Role.PEER;

import java.util.Map;
import java.util.Set;

/** Who may call what: the one table for all services. What is not in it cannot be called. */
public final class Access {
  private static final String PACKAGE = "fusionc.v1.";

  /** By full method name. An administrator may do whatever a client may. */
  private static final Map<String, Set<Role>> CALLERS =
      Map.ofEntries(
          entry(PACKAGE + "StageService/Drive", Set.of(CLIENT, PEER)),
          entry(PACKAGE + "StageService/Activate", Set.of(CLIENT, PEER)),
          entry(PACKAGE + "BlobService/Get", Set.of(PEER, CLIENT, BROKER)),
          entry(PACKAGE + "BlobService/Stat", Set.of(PEER, CLIENT, BROKER)),
          entry(PACKAGE + "BlobService/Put", Set.of(CLIENT)),
          entry(PACKAGE + "EchoService/Echo", Set.of(PEER, CLIENT, BROKER)),
          entry(PACKAGE + "BrokerService/Attend", Set.of(PEER)),
          entry(PACKAGE + "BrokerService/Deploy", Set.of(CLIENT)),
          entry(PACKAGE + "BrokerService/Undeploy", Set.of(ADMIN)),
          entry(PACKAGE + "BrokerService/WatchDeployment", Set.of(CLIENT)),
          entry(PACKAGE + "BrokerService/ReportRun", Set.of(CLIENT)),
          entry(PACKAGE + "BrokerService/Status", Set.of(CLIENT)),
          entry(PACKAGE + "BrokerService/Drain", Set.of(ADMIN)));

  /** By service: as what whoever answers must be certified. */
  private static final Map<String, Set<Role>> SERVERS =
      Map.of(
          PACKAGE + "StageService", Set.of(PEER),
          PACKAGE + "BlobService", Set.of(PEER, BROKER),
          PACKAGE + "EchoService", Set.of(PEER, BROKER),
          PACKAGE + "BrokerService", Set.of(BROKER));

  private Access() {}

  /** The whole table: callers by full method name, such as {@code fusionc.v1.EchoService/Echo}. */
  public static Map<String, Set<Role>> callers() {
    return CALLERS;
  }

  /** Who may call a method; nobody if the table does not have it. */
  public static Set<Role> callers(String fullMethodName) {
    return CALLERS.getOrDefault(fullMethodName, Set.of());
  }

  /** Who may offer a service; nobody if the table does not have it. */
  public static Set<Role> servers(String serviceName) {
    return SERVERS.getOrDefault(serviceName, Set.of());
  }
}
