/** Shapes that the site's server sends to the page: its own, by name. */
export type {
  Change,
  ChangeProgress,
  ClusterView,
  EdgeFigures,
  EndpointView,
  Figures,
  ListenerView,
  LoggedExchange,
  MeshFacts,
  MeshState,
  ProxyAnswer,
  ProxyView,
  RouteTarget,
  RouteView,
  RulePlace,
  SentAnswer,
} from '#told';
