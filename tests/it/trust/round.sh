# Trusts a sandbox and gives it up again, with the system's own tools, in a mount namespace in which the system's
# authorities are copies. Arguments: attache, an empty folder.
set -eu
attache=$1 scratch=$2
for folder in /usr/local/share/ca-certificates /etc/ssl/certs; do
  mkdir -p "$scratch$folder"
  cp -rd "$folder/." "$scratch$folder/"
  mount --bind "$scratch$folder" "$folder"
done

"$attache" sandbox --json --listen 127.0.0.1:0 --data "$scratch/data" > "$scratch/ready.jsonl" &
trap 'kill $!' EXIT
"$attache" sandbox wait > "$scratch/waited"
url=$("$attache" sandbox env --shell sh | sed -n "s/^export ATTACHE_SANDBOX_URL='\(.*\)'$/\1/p")
reach() { curl --silent --output /dev/null "$url/common/discovery/keys"; }

if reach; then echo "it was trusted before"; exit 1; fi
"$attache" sandbox trust --plan
if reach; then echo "a plan changed something"; exit 1; fi
if "$attache" sandbox trust < /dev/null; then echo "it did not ask"; exit 1; fi
"$attache" sandbox trust --yes
reach
"$attache" sandbox untrust --yes
if reach; then echo "it is still trusted"; exit 1; fi
"$attache" sandbox untrust --yes
echo "all is as it was"
