# Where the state is: terraform init -backend-config=backend.hcl
# Make it once, by hand, and keep it for as long as there is something to take down:
#
#   az group create --name GROUP --location REGION
#   az storage account create --name ACCOUNT --resource-group GROUP --allow-shared-key-access false --allow-blob-public-access false --min-tls-version TLS1_2
#   az storage account blob-service-properties update --account-name ACCOUNT --enable-versioning true
#   az storage container-rm create --name state --storage-account ACCOUNT
#   az role assignment create --assignee-object-id $(az ad signed-in-user show --query id --output tsv) --assignee-principal-type User --role "Storage Blob Data Contributor" --scope $(az storage account show --name ACCOUNT --query id --output tsv)
storage_account_name = ""
container_name       = "state"
