{{ sudo }}apt-get update && {{ sudo }}apt-get install --yes --no-install-recommends ca-certificates curl gnupg
{{ sudo }}install -d /etc/apt/keyrings
curl -fsSL https://get.opentofu.org/opentofu.gpg | {{ sudo }}tee /etc/apt/keyrings/opentofu.gpg > /dev/null
curl -fsSL https://packages.opentofu.org/opentofu/tofu/gpgkey | {{ sudo }}gpg --batch --yes --dearmor -o /etc/apt/keyrings/opentofu-repo.gpg
echo "deb [signed-by=/etc/apt/keyrings/opentofu.gpg,/etc/apt/keyrings/opentofu-repo.gpg] https://packages.opentofu.org/opentofu/tofu/any/ any main" | {{ sudo }}tee /etc/apt/sources.list.d/opentofu.list
{{ sudo }}apt-get update && {{ sudo }}apt-get install --yes --no-install-recommends tofu=1.11.5
