-- For Argo CD: the health of a GraphCron. Put it into the ConfigMap argocd-cm as
-- resource.customizations.health.graphcron.dev_GraphCron
local hs = {status = "Progressing", message = "Waiting for the operator"}
local paused = {PausedByAdministrator = true, OverBudget = true}
if obj.metadata.deletionTimestamp ~= nil then
  hs.message = "Being deleted"
  return hs
end
local status = obj.status or {}
if status.observedGeneration ~= obj.metadata.generation then
  return hs
end
for _, condition in ipairs(status.conditions or {}) do
  if condition.type == "Ready" then
    hs.message = condition.message
    if condition.status ~= "True" then
      hs.status = "Degraded"
    elseif obj.spec.enabled == false or paused[condition.reason] then
      hs.status = "Suspended"
    else
      hs.status = "Healthy"
    end
  end
end
return hs
