{{- define "garden.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}
{{- /* A job that writes into the diary; give it root, hook, weight, policy. */ -}}
{{- define "garden.hook" -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .root.Release.Name }}-{{ .name }}
  annotations:
    helm.sh/hook: {{ .hook }}
    helm.sh/hook-weight: {{ .weight | quote }}
    helm.sh/hook-delete-policy: {{ .policy }}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: write
          image: host
          command: [sh, -c, {{ printf "echo %s %d >> /diary/%s; test %s != %q" .name .root.Release.Revision .root.Release.Name .name (.root.Values.fail | toString) | quote }}]
          volumeMounts: [{name: diary, mountPath: /diary}]
      volumes: [{name: diary, hostPath: {path: {{ .root.Values.diary }}, type: Directory}}]
{{- end -}}
