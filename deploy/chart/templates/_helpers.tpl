{{- /* What templates share: names, which services run, what each is told, how it shows Kafka who it is. */ -}}

{{- define "muster.fullname" -}}
{{- $name := .Release.Name -}}
{{- if not (contains "muster" $name) -}}{{- $name = printf "%s-muster" $name -}}{{- end -}}
{{- $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- /* Where a person finds the fleets of this release. */ -}}
{{- define "muster.fleetsFile" -}}
values.fleets of Helm release {{ .Release.Name }} in namespace {{ .Release.Namespace }}
{{- end -}}

{{- define "muster.layout" -}}
{{ .Files.Get "files/services.yaml" }}
{{- end -}}

{{- define "muster.selector" -}}
app.kubernetes.io/name: muster
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{- define "muster.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{ include "muster.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- with .root.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* Services that run, as in files/services.yaml. */ -}}
{{- define "muster.services" -}}
{{- $on := list -}}
{{- range (include "muster.layout" . | fromYaml).services -}}
{{- $values := index $.Values .values -}}
{{- if or $values.enabled (and .provider (eq .provider $.Values.provider)) -}}
{{- $on = append $on . -}}
{{- end -}}
{{- end -}}
{{- toJson $on -}}
{{- end -}}

{{- define "muster.runs" -}}
{{- $name := .name -}}
{{- range (include "muster.services" .root | fromJsonArray) -}}{{- if eq .name $name -}}yes{{- end -}}{{- end -}}
{{- end -}}

{{- /* What a schema can't say: keys that need each other. */ -}}
{{- define "muster.checks" -}}
{{- if and .Values.queues (not .Values.provider) -}}
{{- fail "provider: is missing beside queues; write where their machines come from: k8s, aws or gcp" -}}
{{- end -}}
{{- if and .Values.provider (not .Values.queues) -}}
{{- fail "queues: is missing beside provider; name ClearML queues, or leave out provider and write fleets" -}}
{{- end -}}
{{- if and .Values.queues (hasKey (.Values.fleets | default dict) "default") -}}
{{- fail "fleets.default: is what queues and provider make; leave those out, or give this fleet another name" -}}
{{- end -}}
{{- if and .Values.queues (ne .Values.provider "k8s") -}}
{{- range list "region" "type" -}}
{{- if not (index ($.Values.pool | default dict) .) -}}
{{- fail (printf "pool.%s: is missing; provider %s needs it, such as pool: {region: us-east-1, type: g4dn.xlarge, max: 4}" . $.Values.provider) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if not .Values.installation -}}
{{- range list "aws-provisioner" "gcp-provisioner" -}}
{{- if include "muster.runs" (dict "root" $ "name" .) -}}
{{- fail "installation: is missing; a cloud's machines are known by it, so that no two installations on one account may have one name" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range list "aws" "gcp" -}}
{{- if and (include "muster.runs" (dict "root" $ "name" (printf "%s-provisioner" .))) (not (index $.Values .).accounts) -}}
{{- fail (printf "%s.accounts: is empty; name at least one, such as default, with its %s" . (ternary "regions" "project" (eq . "aws"))) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.strimzi.enabled .Values.kafka.bootstrapServers -}}
{{- fail "kafka.bootstrapServers: is set beside strimzi.enabled; leave one of them out" -}}
{{- end -}}
{{- if gt (int .Values.topics.minIsr) (int .Values.topics.replication) -}}
{{- fail "topics.minIsr: is more than topics.replication, so that no record would ever count" -}}
{{- end -}}
{{- end -}}

{{- define "muster.installation" -}}
{{ .Values.installation | default .Release.Name }}
{{- end -}}

{{- define "muster.image" -}}
{{- $repository := printf "%s/%s" .root.Values.image.repository .name -}}
{{- if .root.Values.image.registry -}}{{- $repository = printf "%s/%s" .root.Values.image.registry $repository -}}{{- end -}}
{{ $repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end -}}

{{- /* A line of a properties file. */ -}}
{{- define "muster.property" -}}
{{ index . 0 }}={{ index . 1 | toString | replace "\\" "\\\\" }}
{{ end -}}

{{- define "muster.ownBroker" -}}
{{- if not (or .Values.kafka.bootstrapServers .Values.strimzi.enabled) -}}yes{{- end -}}
{{- end -}}

{{- /*
How one process shows Kafka who it is: as the values say for all, and where own says something else for itself.
secrets and files are sources of projected volumes.
*/ -}}
{{- define "muster.kafka" -}}
{{- $root := .root -}}
{{- $own := .own | default dict -}}
{{- $all := $root.Values.kafka.security -}}
{{- $strimzi := $root.Values.strimzi -}}
{{- $full := include "muster.fullname" $root -}}
{{- $servers := $root.Values.kafka.bootstrapServers -}}
{{- $protocol := $all.protocol -}}
{{- $mechanism := $all.saslMechanism -}}
{{- $username := $own.username | default $all.username -}}
{{- $secrets := list -}}
{{- $files := list -}}
{{- $ca := false -}}
{{- if $strimzi.enabled -}}
{{- $servers = printf "%s-kafka-bootstrap:9093" $strimzi.cluster -}}
{{- $protocol = "SASL_SSL" -}}
{{- $mechanism = "SCRAM-SHA-512" -}}
{{- $ca = true -}}
{{- $files = append $files (dict "secret" (dict "name" (printf "%s-cluster-ca-cert" $strimzi.cluster) "items" (list (dict "key" "ca.crt" "path" "ca.crt")))) -}}
{{- if and $strimzi.users .user -}}
{{- $username = printf "%s-%s" $full .user -}}
{{- $secrets = append $secrets (dict "secret" (dict "name" $username "items" (list (dict "key" "password" "path" "kafka-password")))) -}}
{{- end -}}
{{- else if not $servers -}}
{{- $servers = printf "%s-kafka:9092" $full -}}
{{- $protocol = "PLAINTEXT" -}}
{{- end -}}
{{- if not (and $strimzi.enabled $strimzi.users) -}}
{{- with $own.secret | default $all.secret -}}
{{- $secrets = append $secrets (dict "secret" (dict "name" .)) -}}
{{- end -}}
{{- end -}}
{{- with $own.certificateSecret | default $all.certificateSecret -}}
{{- $secrets = append $secrets (dict "secret" (dict "name" . "items" (list (dict "key" "tls.key" "path" "kafka-key")))) -}}
{{- $files = append $files (dict "secret" (dict "name" . "items" (list (dict "key" "tls.crt" "path" "tls.crt")))) -}}
{{- end -}}
{{- if and (not $strimzi.enabled) (or $all.ca.secret $all.ca.configMap) -}}
{{- $ca = true -}}
{{- $items := list (dict "key" ($all.ca.key | default "ca.crt") "path" "ca.crt") -}}
{{- if $all.ca.secret -}}
{{- $files = append $files (dict "secret" (dict "name" $all.ca.secret "items" $items)) -}}
{{- else -}}
{{- $files = append $files (dict "configMap" (dict "name" $all.ca.configMap "items" $items)) -}}
{{- end -}}
{{- end -}}
{{- toJson (dict "servers" $servers "protocol" $protocol "mechanism" $mechanism "username" $username "ca" $ca
    "certificate" (not (empty ($own.certificateSecret | default $all.certificateSecret))) "secrets" $secrets "files" $files) -}}
{{- end -}}

{{- /* Settings that all processes share: where Kafka is and how its topics are called. */ -}}
{{- define "muster.kafkaSettings" -}}
{{- $layout := include "muster.layout" .root | fromYaml -}}
{{- $kafka := include "muster.kafka" . | fromJson -}}
{{ include "muster.property" (list "muster.kafka.bootstrap-servers" $kafka.servers) -}}
{{- with $kafka.protocol }}{{ include "muster.property" (list "muster.kafka.security.protocol" .) }}{{ end -}}
{{- with $kafka.mechanism }}{{ include "muster.property" (list "muster.kafka.security.sasl-mechanism" .) }}{{ end -}}
{{- with $kafka.username }}{{ include "muster.property" (list "muster.kafka.security.username" .) }}{{ end -}}
{{- if $kafka.ca }}{{ include "muster.property" (list "muster.kafka.security.ca" (printf "%s/ca.crt" $layout.kafka)) }}{{ end -}}
{{- if $kafka.certificate }}{{ include "muster.property" (list "muster.kafka.security.certificate" (printf "%s/tls.crt" $layout.kafka)) -}}
{{ include "muster.property" (list "muster.kafka.security.key-secret" "kafka-key") }}{{ end -}}
{{ include "muster.property" (list "muster.topics.prefix" .root.Values.topics.prefix) -}}
{{ include "muster.property" (list "muster.topics.input-partitions" (int .root.Values.topics.inputPartitions)) -}}
{{ include "muster.property" (list "muster.secrets.folder" $layout.secrets) -}}
{{- end -}}

{{- /* ClearML servers by the names that fleets use. */ -}}
{{- define "muster.connections" -}}
{{- $main := pick .Values.clearml "api" "machineHosts" "ca" "interval" "proxy" -}}
{{- mergeOverwrite (deepCopy (.Values.clearml.connections | default dict)) (dict "default" $main) | toJson -}}
{{- end -}}

{{- /* Accounts of a provider by the names that fleets use. */ -}}
{{- define "muster.accounts" -}}
{{- $provider := .provider -}}
{{- $accounts := deepCopy ((index .root.Values $provider).accounts | default dict) -}}
{{- if and (eq $provider "k8s") (not (hasKey $accounts "default")) -}}
{{- $_ := set $accounts "default" dict -}}
{{- end -}}
{{- if eq $provider "k8s" -}}
{{- range $name, $account := $accounts -}}
{{- $_ := set $accounts $name (merge $account (dict "namespaces" (include "muster.machineNamespaces" $.root | fromJsonArray)
    "image" $.root.Values.k8s.image "serviceAccount" $.root.Values.machines.serviceAccount.name
    "secret" ($.root.Values.machines.secret | default $.root.Values.clearml.secret))) -}}
{{- end -}}
{{- end -}}
{{- toJson $accounts -}}
{{- end -}}

{{- define "muster.machineNamespaces" -}}
{{- prepend (.Values.k8s.namespaces | default list) .Values.machines.namespace | uniq | toJson -}}
{{- end -}}

{{- /* What one service is told: root, service. */ -}}
{{- define "muster.serviceSettings" -}}
{{- $root := .root -}}
{{- $service := .service -}}
{{- $values := index $root.Values $service.values -}}
{{- $layout := include "muster.layout" $root | fromYaml -}}
{{ include "muster.property" (list "quarkus.http.host" "0.0.0.0") -}}
{{ include "muster.property" (list "quarkus.http.port" (int $service.port)) -}}
{{ include "muster.property" (list "muster.installation" (include "muster.installation" $root)) -}}
{{ include "muster.property" (list "muster.log.format" $root.Values.logs.format) -}}
{{- with $root.Values.traces.endpoint }}{{ include "muster.property" (list "muster.traces.endpoint" .) -}}
{{ include "muster.property" (list "muster.traces.ratio" $root.Values.traces.ratio) }}{{ end -}}
{{ include "muster.kafkaSettings" (dict "root" $root "own" $values.kafka "user" $service.name) -}}
{{- if eq $service.name "planner" -}}
{{ include "muster.apiSettings" $root -}}
{{- else -}}
{{- range $name, $connection := (include "muster.connections" $root | fromJson) -}}
{{- $key := printf "muster.connections.\"%s\"." $name -}}
{{ include "muster.property" (list (printf "%sapi" $key) $connection.api) -}}
{{- if $service.provider -}}
{{- range $host, $url := ($connection.machineHosts | default dict) -}}
{{ include "muster.property" (list (printf "%smachine-hosts.%s" $key $host) $url) -}}
{{- end -}}
{{- else -}}
{{- with $connection.interval }}{{ include "muster.property" (list (printf "%sinterval" $key) .) }}{{ end -}}
{{- end -}}
{{- if has $service.name (list "queue-watcher" "k8s-provisioner") -}}
{{- with $connection.proxy }}{{ include "muster.property" (list (printf "%sproxy" $key) .) }}{{ end -}}
{{- if ($connection.ca | default dict).configMap }}{{ include "muster.property" (list (printf "%sca-bundle" $key) (printf "/etc/muster/clearml/%s/ca.crt" $name)) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $service.provider -}}
{{- range $name, $account := (include "muster.accounts" (dict "root" $root "provider" $service.provider) | fromJson) -}}
{{- range $key, $value := $account -}}
{{- if $value -}}
{{ include "muster.property" (list (printf "muster.%s.accounts.\"%s\".%s" $service.provider $name (kebabcase $key)) (kindIs "slice" $value | ternary (join "," $value) $value)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $root.Values.prices }}{{ include "muster.property" (list "muster.prices.file" (printf "%s/prices.yaml" (dir $layout.settings))) }}{{ end -}}
{{- end -}}
{{- range $key, $value := ($values.settings | default dict) -}}
{{ include "muster.property" (list $key $value) -}}
{{- end -}}
{{- end -}}

{{- define "muster.apiSettings" -}}
{{- $folder := (include "muster.layout" . | fromYaml).api -}}
{{ include "muster.property" (list "muster.api.authentication" (join "," .Values.api.authentication)) -}}
{{ include "muster.property" (list "muster.api.grants" (printf "%s/grants.yaml" $folder)) -}}
{{ include "muster.property" (list "muster.api.tls.certificate" (printf "%s/tls.crt" $folder)) -}}
{{ include "muster.property" (list "muster.api.tls.key" (printf "%s/tls.key" $folder)) -}}
{{- if .Values.api.clientCa }}{{ include "muster.property" (list "muster.api.tls.client-ca" (printf "%s/client-ca.crt" $folder)) }}{{ end -}}
{{- range $key, $value := .Values.api.oidc -}}
{{ include "muster.property" (list (printf "muster.api.oidc.%s" (kebabcase $key)) $value) -}}
{{- end -}}
{{- end -}}

{{- define "muster.apiSecret" -}}
{{ .Values.api.secret | default (printf "%s-api" (include "muster.fullname" .)) }}
{{- end -}}

{{- /* Sources of the secrets folder of one service: what it needs, and no other's. */ -}}
{{- define "muster.secretSources" -}}
{{- $values := index .root.Values .service.values -}}
{{- $sources := (include "muster.kafka" (dict "root" .root "own" $values.kafka "user" .service.name) | fromJson).secrets -}}
{{- $names := list -}}
{{- if ne .service.name "planner" -}}{{- $names = append $names .root.Values.clearml.secret -}}{{- end -}}
{{- with $values.secret -}}{{- $names = append $names . -}}{{- end -}}
{{- range $names | uniq -}}
{{- $source := dict "secret" (dict "name" .) -}}
{{- if not (has $source $sources) -}}{{- $sources = append $sources $source -}}{{- end -}}
{{- end -}}
{{- toJson $sources -}}
{{- end -}}

{{- define "muster.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- /* A job of the command line: root, name, args, secrets, files. */ -}}
{{- define "muster.cliPod" -}}
restartPolicy: Never
automountServiceAccountToken: false
enableServiceLinks: false
securityContext: {{- toYaml .root.Values.securityContext | nindent 2 }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
containers:
  - name: muster
    image: {{ include "muster.image" (dict "root" .root "name" (include "muster.layout" .root | fromYaml).cli.image) }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    args: {{- toYaml .args | nindent 6 }}
    env:
      - {name: XDG_CONFIG_HOME, value: {{ (include "muster.layout" .root | fromYaml).cli.settings }}}
    resources:
      requests: {cpu: 50m, memory: 192Mi}
      limits: {memory: 320Mi}
    securityContext: {{- include "muster.containerSecurity" . | nindent 6 }}
    volumeMounts: {{- toYaml (append .mounts (dict "name" "tmp" "mountPath" "/tmp")) | nindent 6 }}
volumes: {{- toYaml (append .volumes (dict "name" "tmp" "emptyDir" (dict "sizeLimit" "64Mi"))) | nindent 2 }}
{{- end -}}

{{- /* The fleets by name: those of fleets, and the one that queues and provider make. */ -}}
{{- define "muster.fleets" -}}
{{- $fleets := dict -}}
{{- range $name, $spec := .Values.fleets -}}
{{- if $spec -}}
{{- $_ := set $fleets $name (mergeOverwrite (deepCopy $spec) (dict "name" $name)) -}}
{{- end -}}
{{- end -}}
{{- if .Values.queues -}}
{{- $pool := dict "provider" .Values.provider -}}
{{- if eq .Values.provider "k8s" -}}
{{- $pool = dict "provider" "k8s" "namespace" .Values.machines.namespace "k8s" (dict "pods" "task" "requests" (dict "cpu" 1 "memory" "2Gi")) -}}
{{- end -}}
{{- $pool = mergeOverwrite $pool (deepCopy (.Values.pool | default dict)) -}}
{{- $queues := dict -}}
{{- range .Values.queues -}}{{- $_ := set $queues . (list "machines") -}}{{- end -}}
{{- $_ := set $fleets "default" (dict "name" "default" "queues" $queues "pools" (dict "machines" $pool)) -}}
{{- end -}}
{{- toYaml $fleets -}}
{{- end -}}

{{- define "muster.port" -}}
{{- $url := urlParse . -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- $port | default (ternary "443" "80" (eq $url.scheme "https")) -}}
{{- end -}}

{{- define "muster.apiPort" -}}
{{- range (include "muster.layout" . | fromYaml).services -}}{{- if eq .name "planner" -}}{{ int .port }}{{- end -}}{{- end -}}
{{- end -}}
