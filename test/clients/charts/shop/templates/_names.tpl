{{- define "shop.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "shop.selector" . }}
{{- end -}}
{{- define "shop.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}
{{- define "shop.pod" -}}
serviceAccountName: {{ .Release.Name }}
terminationGracePeriodSeconds: 1
securityContext: {runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000}
topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {{ include "shop.selector" . | fromYaml | toJson }}}}]
{{- end -}}
{{- define "shop.container" -}}
image: host
imagePullPolicy: IfNotPresent
securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
resources: {requests: {cpu: 10m, memory: 16Mi}, limits: {memory: 128Mi}}
{{- end -}}
