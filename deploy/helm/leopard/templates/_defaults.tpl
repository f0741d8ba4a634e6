{{/* Written by `make chart-defaults` from values.yaml, which templates cannot read. */}}
{{- define "leopard.defaultValues" -}}
environment: production
nameOverride: ''
fullnameOverride: ''
commonLabels: {}
commonAnnotations: {}
global:
  imageRegistry: ''
  imagePullSecrets: []
image:
  registry: ghcr.io
  repository: leopard
  tag: ''
  pullPolicy: IfNotPresent
database:
  existingSecret:
    name: leopard-postgres
    key: uri
  migrationSecret:
    name: ''
    key: uri
    port: 5432
  ca:
    existingSecret: ''
    existingConfigMap: ''
    key: ca.crt
  clientCertificate:
    existingSecret: ''
    certificateKey: tls.crt
    keyKey: tls.key
  maxConnections: 100
  reservedConnections: 10
  port: 5432
rabbitmq:
  existingSecret:
    name: leopard-rabbitmq
    key: connection_string
  ca:
    existingSecret: ''
    existingConfigMap: ''
    key: ca.crt
  clientCertificate:
    existingSecret: ''
    certificateKey: tls.crt
    keyKey: tls.key
  port: 5672
  management:
    url: ''
    vhost: /
    existingSecret:
      name: leopard-rabbitmq-management
      usernameKey: username
      passwordKey: password
    ca:
      existingSecret: ''
      existingConfigMap: ''
      key: ca.crt
settings:
  logLevel: INFO
  logFormat: json
  shutdownSeconds: 25
  keepAliveSeconds: 65
  leaseSeconds: 60
  chunkSize: 1000
  lockTimeoutSeconds: 5
  statementTimeoutSeconds: 30
  databasePooling: auto
  databasePreparedStatements: auto
migrations:
  mode: job
  waitSeconds: 300
  backoffLimit: 6
  activeDeadlineSeconds: 1800
  jobAnnotations: {}
  resources:
    requests:
      cpu: 50m
      memory: 128Mi
    limits:
      cpu: '1'
      memory: 256Mi
  podAnnotations: {}
  podLabels: {}
  serviceAccountAnnotations: {}
  nodeSelector: {}
  tolerations: []
  affinity: {}
  priorityClassName: ''
  extraEnv: []
  extraEnvFrom: []
  extraVolumes: []
  extraVolumeMounts: []
  extraContainers: []
  extraInitContainers: []
campaignApi:
  replicas: 2
  image:
    name: campaign-api
    digest: ''
  settings:
    databasePoolSize: 10
    maxBodyBytes: 4194304
    maxListedCustomers: 100000
    maxImports: 2
    maxExports: 2
    maxDryRuns: 2
    smsPrices: ''
    whatsappPrices: ''
    maxImportRejects: 100000
    importIdleSeconds: 60
    maxAttributes: 100
    maxAttributeName: 60
    maxAttributesBytes: 16384
    maxKnownAttributes: 500
  resources:
    requests:
      cpu: 100m
      memory: 160Mi
    limits:
      cpu: '2'
      memory: 384Mi
  autoscaling:
    enabled: false
    minReplicas: 2
    maxReplicas: 4
    cpuUtilization: 70
  pdb:
    enabled: true
    maxUnavailable: 1
  service:
    type: ClusterIP
    port: 80
    nodePort: 0
    ipFamilyPolicy: ''
    ipFamilies: []
    annotations: {}
  podAnnotations: {}
  podLabels: {}
  serviceAccountAnnotations: {}
  nodeSelector: {}
  tolerations: []
  affinity: {}
  priorityClassName: ''
  command: []
  extraEnv: []
  extraEnvFrom: []
  extraVolumes: []
  extraVolumeMounts: []
  extraContainers: []
  extraInitContainers: []
dispatcher:
  replicas: 2
  image:
    name: dispatcher
    digest: ''
  settings:
    databasePoolSize: 5
    window: 5000
    pollSeconds: 1
    sweepSeconds: 5
    importRejectDays: 7
    dryRunDays: 7
    publishConcurrency: 500
  resources:
    requests:
      cpu: 100m
      memory: 128Mi
    limits:
      cpu: '1'
      memory: 256Mi
  pdb:
    enabled: true
    maxUnavailable: 1
  podAnnotations: {}
  podLabels: {}
  serviceAccountAnnotations: {}
  nodeSelector: {}
  tolerations: []
  affinity: {}
  priorityClassName: ''
  command: []
  extraEnv: []
  extraEnvFrom: []
  extraVolumes: []
  extraVolumeMounts: []
  extraContainers: []
  extraInitContainers: []
senderWorker:
  image:
    name: sender-worker
    digest: ''
  settings:
    databasePoolSize: 5
    channel: ''
    prefetch: 2000
    batchSize: 200
    backoffSeconds: 10
    backoffMaxSeconds: 900
    onUnknownOutcome: retry
    provider: mock
    httpUrl: ''
    httpTimeoutSeconds: 10
    httpConnections: 500
    mockLatencyMinSeconds: 0.05
    mockLatencyMaxSeconds: 0.2
    mockSuccessRate: 0.95
    mockSeed: ''
  httpToken:
    existingSecret: ''
    key: token
  pools:
  - name: default
  replicas: 2
  resources:
    requests:
      cpu: 250m
      memory: 160Mi
    limits:
      cpu: '1'
      memory: 320Mi
  autoscaling:
    enabled: false
    minReplicas: 2
    maxReplicas: 8
    cpuUtilization: 70
  keda:
    enabled: false
    minReplicas: 1
    maxReplicas: 8
    messagesPerPod: 2000
    pollingInterval: 10
    cooldownPeriod: 120
    fallback:
      failureThreshold: 3
      replicas: 2
      behavior: currentReplicasIfHigher
  pdb:
    enabled: true
    maxUnavailable: 1
  podAnnotations: {}
  podLabels: {}
  serviceAccountAnnotations: {}
  nodeSelector: {}
  tolerations: []
  affinity: {}
  priorityClassName: ''
  command: []
  extraEnv: []
  extraEnvFrom: []
  extraVolumes: []
  extraVolumeMounts: []
  extraContainers: []
  extraInitContainers: []
preStopSleepSeconds: 5
topologySpread: true
podSecurity:
  runAsUser: 10001
  clusterChoosesUser: false
  readOnlyRootFilesystem: true
networkPolicy:
  enabled: true
  dns: []
  dnsPorts:
  - 53
  clients: []
  monitoring: []
  database: []
  rabbitmq: []
  providers: []
  providerPorts: []
ingress:
  enabled: false
  className: ''
  annotations: {}
  hosts: []
  tls: []
httpRoute:
  enabled: false
  annotations: {}
  parentRefs: []
  hostnames: []
monitoring:
  podMonitor:
    enabled: false
    interval: 15s
    additionalLabels: {}
operators:
  cnpg:
    enabled: false
    instances: 3
    storageSize: 20Gi
    storageClass: ''
  rabbitmq:
    enabled: false
    replicas: 3
    storageSize: 10Gi
    storageClass: ''
devStack:
  enabled: false
  postgresImage: docker.io/library/postgres:17
  rabbitmqImage: docker.io/library/rabbitmq:4-management
  password: leopard
  storageSize: ''
  simulator:
    enabled: false
    imageName: provider-simulator
  podAnnotations: {}
  podLabels: {}
  nodeSelector: {}
  tolerations: []
  affinity: {}
  priorityClassName: ''
extraObjects: []
rawObjects: []
tests:
  enabled: true
  resources:
    requests:
      cpu: 50m
      memory: 96Mi
    limits:
      cpu: '1'
      memory: 192Mi
  podAnnotations: {}
  podLabels: {}
  serviceAccountAnnotations: {}
  nodeSelector: {}
  tolerations: []
  affinity: {}
  priorityClassName: ''
  extraEnv: []
  extraEnvFrom: []
  extraVolumes: []
  extraVolumeMounts: []
  extraContainers: []
  extraInitContainers: []
{{- end }}
