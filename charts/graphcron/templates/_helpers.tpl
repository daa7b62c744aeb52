{{- define "graphcron.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* Name of the release's objects: the name of the release, with that of the chart unless it already contains it. */}}
{{- define "graphcron.fullname" -}}
{{- $name := include "graphcron.name" . }}
{{- $whole := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- .Values.fullnameOverride | default $whole | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* Labels of every object. Takes a dict of root and component. */}}
{{- define "graphcron.labels" -}}
{{ merge (include "graphcron.ownLabels" . | fromYaml) (.root.Values.commonLabels | default dict) | toYaml }}
{{- end }}

{{/* Labels of pods. Takes the component's values, too. No value can replace a label that a selector uses. */}}
{{- define "graphcron.podLabels" -}}
{{ merge (include "graphcron.labels" . | fromYaml) (.values.podLabels | default dict) | toYaml }}
{{- end }}

{{- define "graphcron.ownLabels" -}}
{{ include "graphcron.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: graphcron
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* Labels by which selectors find a component's pods. They never change: no run pod may have that name
(spec.template.labels), whatever nameOverride is. */}}
{{- define "graphcron.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "graphcron.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* Scheduling and pull secrets, shared by the pod specs of operator and facade. Takes a dict of root, component and values. */}}
{{- define "graphcron.podPlacement" -}}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .values.topologySpreadConstraints }}
{{- $own := dict "labelSelector" (dict "matchLabels" (include "graphcron.selector" $ | fromYaml)) }}
topologySpreadConstraints:
  {{- range . }}
  - {{- toYaml (hasKey . "labelSelector" | ternary . (merge (deepCopy .) $own)) | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* The keys that spec.template may set, as a JSON array. A value that is not there restricts nothing. */}}
{{- define "graphcron.templateKeys" -}}
{{ kindIs "invalid" . | ternary (list "*") . | toJson }}
{{- end }}

{{/* The variables of the proxies, as a list of a pod spec; empty without proxies. */}}
{{- define "graphcron.proxyEnv" -}}
{{- with .Values.proxy }}
{{- if and .existingSecret (or .http .https) }}
{{- fail "proxy.existingSecret and proxy.http or proxy.https are set: the Secret has both URLs, so leave the two out" }}
{{- end }}
{{- range $scheme := list "http" "https" }}
{{- if $.Values.proxy.existingSecret }}
- name: {{ upper $scheme }}_PROXY
  valueFrom: {secretKeyRef: {name: {{ $.Values.proxy.existingSecret | quote }}, key: {{ $scheme }}}}
{{- else if get $.Values.proxy $scheme }}
- name: {{ upper $scheme }}_PROXY
  value: {{ get $.Values.proxy $scheme | quote }}
{{- end }}
{{- end }}
{{- if or .http .https .existingSecret }}
- name: NO_PROXY
  value: {{ join "," .noProxy | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* The budgets of guardrails.budgets that have a limit, as JSON. Numbers from a file are floating-point to Helm. */}}
{{- define "graphcron.budgets" -}}
{{- $found := dict }}
{{- range $kind, $budget := .Values.guardrails.budgets | default dict }}
{{- with $budget | default dict }}
{{- $per := .per | default "Month" }}
{{- if and .tokens .cost }}{{ fail (printf "guardrails.budgets.%s takes tokens or cost, not both: remove one" $kind) }}{{ end }}
{{- if .tokens }}{{ $_ := set $found $kind (dict "tokens" (.tokens | int64) "per" $per) }}{{ end }}
{{- if .cost }}{{ $_ := set $found $kind (dict "cost" (.cost | toJson | trimAll "\"") "per" $per) }}{{ end }}
{{- end }}
{{- end }}
{{- toJson $found }}
{{- end }}

{{/* The template of addresses of traces; empty for none. */}}
{{- define "graphcron.traceUrl" -}}
{{ (.Values.facade.console | default dict).traceUrlTemplate | default .Values.traceUrl | default "" }}
{{- end }}
